"""scikit-learn models in files that run no code: only the types named here are ever built from them."""

from pathlib import Path
from typing import Any

from plimsoll.domain.models.scoring import ModelRefused

# Everything our forests and boosters consist of besides numpy arrays; skops itself trusts public estimators.
TRUSTED = (
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "numpy.dtype",
)


def write(estimators: Any, path: Path) -> None:
    from skops import io

    io.dump(estimators, path)


def read(path: Path) -> Any:
    """Raises ModelRefused when the file asks for a type that none of our models has."""
    from skops import io

    strangers = sorted(set(io.get_untrusted_types(file=path)) - set(TRUSTED))
    if strangers:
        raise ModelRefused(f"{path.name} asks for {', '.join(strangers)}, which no model of ours contains.")
    return io.load(path, trusted=list(TRUSTED))
