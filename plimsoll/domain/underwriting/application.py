"""An application: the frame every product shares, completed by the product's own fields.

`body_model(product)` is the strict pydantic model of one product's application; its JSON
schema is what `GET /v1/products/{id}` hands out.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationError, create_model

from plimsoll.domain.errors import FieldsInvalid
from plimsoll.domain.underwriting.product import FieldKind, FieldSpec, Product
from plimsoll.domain.values import Line, Priority, Value


def _written_as_text(number: Any) -> Any:
    """Money arrives as text or a whole number: a binary float has already lost cents."""
    if isinstance(number, float):
        raise ValueError('write money as text, for example "1049.00"')
    return number


def _no_nul(text: Any) -> Any:
    if isinstance(text, str) and "\x00" in text:
        raise ValueError("holds a NUL character")
    return text


Text = Annotated[str, BeforeValidator(_no_nul), Field(min_length=1, max_length=200)]
Money = Annotated[
    Decimal, BeforeValidator(_written_as_text), Field(allow_inf_nan=False, max_digits=14, decimal_places=2)
]

WholeNumber = Annotated[int, Strict()]  # 18, but neither "18" nor 18.0 nor true
# 0.1407 or 3, but neither "3" nor true; a whole one stays whole, for whoever reads it.
Number = Annotated[int, Strict()] | Annotated[float, Strict(), Field(allow_inf_nan=False)]


class Section(BaseModel):
    """Strict and closed: an unknown field is refused, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Applicant(Section):
    id: Annotated[Text, Field(description="the lender's own id of this person", max_length=80)]
    name: Text
    date_of_birth: date
    employment_status: Literal["employed", "self_employed", "unemployed", "retired", "student"]
    language: Annotated[
        str | None, Field(pattern="^[a-z]{2}$", description="what to write to them in, such as de; nothing weighs it")
    ] = None


class Financial(Section):
    monthly_income: Annotated[Money, Field(ge=0, description="per month, in the application's currency")]


class Consent(Section):
    """The applicant's word that one source may be asked for one purpose."""

    source: Annotated[Text, Field(max_length=40)]
    purpose: Annotated[Text, Field(max_length=80)]
    reference: Annotated[Text | None, Field(description="the source's own token, such as a bank link")] = None


class ApplicationFrame(Section):
    product: Annotated[str, Field(max_length=60)]
    type: Line
    external_id: Annotated[Text | None, Field(max_length=80, description="your own number for it")] = None
    amount: Annotated[Money, Field(gt=0, description="the amount asked for, as text")]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    term_months: Annotated[WholeNumber, Field(gt=0, le=480)]
    priority: Priority = Priority.NORMAL
    jurisdiction: Annotated[Text | None, Field(max_length=10)] = None
    applicant: Applicant
    financial: Financial
    consents: Annotated[tuple[Consent, ...], Field(max_length=20)] = ()


FRAME_SECTIONS: dict[str, type[Section]] = {"applicant": Applicant, "financial": Financial}

_models: dict[str, type[ApplicationFrame]] = {}


def body_model(product: Product) -> type[ApplicationFrame]:
    """The closed model of this product's application: the frame and the product's own fields."""
    if product.digest not in _models:
        _models[product.digest] = _build_model(product)
    return _models[product.digest]


def _build_model(product: Product) -> type[ApplicationFrame]:
    sections: dict[str, dict[str, Any]] = {"": {}}
    for spec in product.fields:
        section, _, name = spec.path.rpartition(".")
        sections.setdefault(section, {})[name] = _field(spec)
    top = sections.pop("")
    for section, fields in sections.items():
        base: type[Section] = FRAME_SECTIONS.get(section, Section)
        model: type[Section] = create_model(section.title(), __base__=base, **fields)
        required = base is not Section or any(default.is_required() for _, default in fields.values())
        top[section] = (model, ...) if required else (model | None, None)
    return create_model(f"Application for {product.id}", __base__=ApplicationFrame, **top)


def _field(spec: FieldSpec) -> tuple[Any, Any]:
    kinds: dict[FieldKind, Any] = {
        FieldKind.CHOICE: Literal[spec.values] if spec.values else str,
        FieldKind.INTEGER: WholeNumber,
        FieldKind.DECIMAL: Money,
        FieldKind.NUMBER: Number,
        FieldKind.BOOLEAN: Annotated[bool, Strict()],
        FieldKind.DATE: date,
        FieldKind.TEXT: Annotated[str, BeforeValidator(_no_nul)],
    }
    kind = kinds[spec.kind]
    rules = {
        "ge": spec.minimum,
        "le": spec.maximum,
        "max_length": spec.max_length or (200 if spec.kind is FieldKind.TEXT else None),
    }
    given: dict[str, Any] = {name: rule for name, rule in rules.items() if rule is not None}
    field = Field(default=... if spec.required else None, description=spec.description, **given)
    return (kind if spec.required else kind | None), field


def read_body(product: Product, body: dict[str, Any]) -> ApplicationFrame:
    """The validated application. Raises FieldsInvalid naming every field that is wrong."""
    try:
        application = body_model(product).model_validate(body)
    except ValidationError as error:
        raise FieldsInvalid(
            f"The application does not fit the product {product.id}: see `fields`.", fields=field_problems(error)
        ) from None
    problems = _against_product(product, application)
    if problems:
        raise FieldsInvalid(f"The application does not fit the product {product.id}: see `fields`.", fields=problems)
    return application


def _against_product(product: Product, application: ApplicationFrame) -> list[dict[str, str]]:
    problems = []
    if application.currency != product.currency:
        problems.append({"field": "currency", "problem": f"{product.id} is decided in {product.currency}"})
    if application.type is not product.line:
        problems.append({"field": "type", "problem": f"{product.id} is a product of type {product.line}"})
    return problems


def field_problems(error: ValidationError) -> list[dict[str, str]]:
    """Each problem with its dotted path; the value itself is not repeated (it may be personal)."""
    found = error.errors(include_url=False, include_input=False, include_context=True)
    places = {problem["loc"] for problem in found}
    told = [_no_number(problem) if _is_no_number(problem["loc"], places) else problem for problem in found]
    named = [
        {"field": ".".join(str(part) for part in problem["loc"]) or "body", "problem": _plain(problem)}
        for problem in told
    ]
    return [problem for at, problem in enumerate(named) if problem not in named[:at]]


def _is_no_number(place: tuple[Any, ...], places: set[tuple[Any, ...]]) -> bool:
    """A `Number` is refused twice, as no whole number and as no other one."""
    return place[-1:] in (("int",), ("float",)) and {(*place[:-1], "int"), (*place[:-1], "float")} <= places


def _no_number(problem: Any) -> Any:
    return {**problem, "loc": problem["loc"][:-1], "msg": "Input should be a valid number"}


def _plain(problem: Any) -> str:
    if problem["type"] == "extra_forbidden":
        return "is not a field of this product"
    if problem["type"] == "missing":
        return "is missing"
    return str(problem["msg"]).removeprefix("Value error, ")


class Received(Value):
    """What intake keeps of an accepted application, apart from its (encrypted) body."""

    id: str
    person: str
    product: str
    round: int
