"""`README.md` of a new pack: what became of each column of the file, and what to do next."""

from collections.abc import Iterator

from plimsoll.adapters.products.new_product import figures
from plimsoll.adapters.products.toml import one_line
from plimsoll.domain.lenders_file.own_data import Part
from plimsoll.domain.lenders_file.own_product import Draft


def summary_of(draft: Draft) -> str:
    return "\n".join(_lines(draft)) + "\n"


def _lines(draft: Draft) -> Iterator[str]:
    own, cut = draft.own, draft.cut
    yield f"# {draft.title}"
    yield ""
    bad = " or ".join(f"`{one_line(value)}`" for value in draft.target.bad_values)
    yield f"Made from `{one_line(draft.came_from)}`: {own.rows:,} applications, of which {own.bads:,} ended badly"
    yield f"(`{one_line(draft.target.column)}` is {bad}), {draft.sample_bad_rate:.1%}."
    if draft.not_ended:
        yield f"{draft.not_ended:,} rows were left out because they have no ending."
    yield ""
    yield f"First cut-offs: approve up to {cut.approve_up_to:g}, decline above {cut.decline_above:g}, a person between."
    yield "How they were found, and what was assumed, is said in `product.toml`, above `[risk]`."
    yield ""
    yield "| column | became | holds |"
    yield "|---|---|---|"
    by_heading = {feature.heading: feature for feature in own.features}
    for column in own.placed:
        feature = by_heading.get(column.heading)
        became = f"feature `{feature.name}`" if feature else _BECAME[column.part]
        why = "" if feature else f": {column.why}"
        yield f"| `{one_line(column.heading)}` | {became}{why} | {figures(column.reading) if feature else ''} |"


_BECAME = {
    Part.TARGET: "the target",
    Part.REFERENCE: "the reference",
    Part.APPLIED_ON: "the day of application",
    Part.LABEL_KNOWN_ON: "the day of the label",
    Part.FEATURE: "a feature",
    Part.GROUP: "a group",
    Part.LEFT_OUT: "left out",
}
