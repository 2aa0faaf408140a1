"""How likely a difference this large is when nothing has moved: tails of two distributions."""

import math

SMALLEST = 1e-300
TERMS = 300
CLOSE_ENOUGH = 1e-12


def chi_square_tail(statistic: float, degrees: int) -> float:
    """P(X ≥ statistic) of a chi-square with so many degrees of freedom."""
    if degrees <= 0 or statistic <= 0:
        return 1.0
    shape, point = degrees / 2, statistic / 2
    # Each form of the incomplete gamma function is quick on its own side (Numerical Recipes, 6.2).
    if point < shape + 1:
        return 1.0 - _gamma_series(shape, point)
    return _gamma_fraction(shape, point)


def kolmogorov_tail(gap: float, reference: int, current: int) -> float:
    """P(a gap this wide between two samples of one distribution), by Stephens' approximation of 1970."""
    if not (reference and current and gap > 0):
        return 1.0
    size = math.sqrt(reference * current / (reference + current))
    reach = (size + 0.12 + 0.11 / size) * gap
    if reach < 0.2:  # the series below does not settle there, and its sum is 1 to ten digits
        return 1.0
    total = sum((-1) ** (term - 1) * math.exp(-2 * (term * reach) ** 2) for term in range(1, 101))
    return min(1.0, max(0.0, 2 * total))


def _gamma_series(shape: float, point: float) -> float:
    """The regularised lower incomplete gamma function."""
    term = total = 1.0 / shape
    for step in range(1, 10 * TERMS):
        term *= point / (shape + step)
        total += term
        if term < total * CLOSE_ENOUGH:
            break
    return total * math.exp(-point + shape * math.log(point) - math.lgamma(shape))


def _gamma_fraction(shape: float, point: float) -> float:
    """The regularised upper one, by Lentz's continued fraction."""
    below = point + 1.0 - shape
    ratio = 1.0 / SMALLEST
    inverse = 1.0 / below
    product = inverse
    for step in range(1, TERMS):
        factor = -step * (step - shape)
        below += 2.0
        inverse = 1.0 / _not_zero(factor * inverse + below)
        ratio = _not_zero(below + factor / ratio)
        change = inverse * ratio
        product *= change
        if abs(change - 1.0) < CLOSE_ENOUGH:
            break
    return math.exp(-point + shape * math.log(point) - math.lgamma(shape)) * product


def _not_zero(number: float) -> float:
    return SMALLEST if abs(number) < SMALLEST else number
