"""What a column's heading says about it: who it belongs to, when it was known, what it is in an application.

Suspicions only, from names; what the figures say is in `data_checks`. Every one of them is told
to the person who brought the file, who may overrule it.
"""

import difflib
import keyword
import re
import unicodedata
from collections.abc import Iterable, Sequence

# Names that mean something else where a field or a feature is used.
RESERVED = frozenset(
    {"and", "or", "not", "in", "null", "true", "false", "id", "name", "date_of_birth", "employment_status"}
    | {"monthly_income", "amount", "currency", "term_months", "product", "type", "priority", "jurisdiction"}
    | {"applicant", "financial", "consents", "external_id", "copy", "json", "dict", "schema", "fields", "construct"}
    | {"validate", "parse_obj", "parse_raw", "parse_file", "from_orm", "update_forward_refs", "missing", "mismatched"}
)
LONGEST = 50

WORDS = {
    "amnt": "amount", "amt": "amount", "inc": "income", "emp": "employment", "mths": "months", "mth": "month",
    "delinq": "delinquencies", "acc": "accounts", "util": "utilisation", "inq": "inquiries", "yrs": "years",
    "pub": "public", "rec": "records", "revol": "revolving", "dti": "debt to income", "bal": "balance",
    "avg": "average", "cr": "credit", "num": "number of", "no": "number", "nbr": "number of", "pct": "share",
    "perc": "share", "tot": "total", "max": "highest", "min": "lowest", "int": "interest", "addr": "address",
    "pymnt": "payment", "prncp": "principal", "acct": "account", "accts": "accounts", "exp": "expenses",
    "verif": "verification", "desc": "description", "hist": "history", "mo": "months", "yr": "year", "cnt": "count",
    "sin": "since",
}  # fmt: skip

# Sensitive attribute -> words of a heading that mean it, each a run of whole words.
SENSITIVE: dict[str, tuple[str, ...]] = {
    "sex": ("sex", "gender", "geschlecht", "sexe", "sexo", "genero", "sesso", "male", "female", "is male", "is female"),
    "age": ("age", "alter", "edad", "idade", "age years", "age group", "age band", "birth", "dob", "birthday",
            "geburtsdatum", "geburtstag", "geburtsjahr", "date of birth", "days birth", "naissance", "nacimiento"),
    "marital status": ("marital", "marriage", "married", "civil status", "personal status", "familienstand",
                       "verheiratet", "etat civil", "estado civil", "family status", "spouse", "widowed", "divorced"),
    "family": ("dependents", "dependants", "children", "kinder", "kids", "cnt children", "enfants", "hijos",
               "family members", "people liable"),
    "nationality": ("nationality", "citizenship", "citizen", "foreign", "foreigner", "immigration", "immigrant",
                    "country of birth", "birthplace", "place of birth", "staatsangehorigkeit", "nationalitat",
                    "auslander", "nationalite", "nacionalidad", "national origin", "language", "mother tongue"),
    "race or ethnicity": ("race", "ethnicity", "ethnic", "ethnie", "raza", "etnia", "skin color", "skin colour",
                          "colour", "caste", "tribe", "hautfarbe"),
    "religion": ("religion", "religious", "faith", "church", "konfession", "kirchensteuer", "glaube"),
    "disability": ("disability", "disabled", "handicap", "behinderung", "schwerbehindert", "invalidite",
                   "discapacidad"),
    "pregnancy": ("pregnancy", "pregnant", "maternity", "schwanger", "schwangerschaft", "embarazo"),
    "health": ("health", "illness", "disease", "diagnosis", "medical", "gesundheit", "krankheit"),
    "orientation": ("sexual orientation", "orientation"),
    "politics": ("politics", "political", "party membership", "union", "union member", "gewerkschaft"),
    "public assistance": ("public assistance", "welfare", "sozialhilfe", "benefits"),
    "education": ("education", "education level", "degree", "school", "university", "bildung", "abschluss",
                  "studium", "name education type"),
    "name": ("first name", "last name", "firstname", "lastname", "surname", "full name", "fullname", "middle name",
             "given name", "forename", "vorname", "nachname", "familienname", "prenom", "apellido", "nombre",
             "customer name", "client name", "applicant name", "borrower name"),
    "telephone": ("telephone", "phone", "mobile", "telefon", "telefonnummer", "handy", "telefono", "fax"),
    "contact": ("email", "e mail", "mail", "ip", "ip address", "device id", "facebook", "instagram", "linkedin"),
    "identity number": ("ssn", "social security", "passport", "national id", "tax id", "iban", "personalausweis",
                        "steuernummer", "card number", "account number"),
    "address": ("address", "street", "strasse", "adresse", "hausnummer", "direccion", "anschrift"),
    "postcode": ("postcode", "postal code", "zip", "zip code", "zipcode", "plz", "postleitzahl", "code postal",
                 "codigo postal", "latitude", "longitude"),
    "place of residence": ("addr state", "state of residence", "county", "city", "town", "district", "bundesland",
                           "wohnort", "ort", "ville", "ciudad", "state", "region", "province", "borough", "tract"),
}  # fmt: skip
# Where a word of the above means something else.
NOT_OF_A_PERSON = {
    "age": {"account", "accounts", "acct", "acc", "loan", "credit", "cr", "file", "car", "vehicle", "history", "oldest",
            "newest", "property", "house", "building", "company", "business", "trade", "line", "cards", "card", "own"},
    "health": {"financial", "insurance", "account"},
    "name": {"product", "merchant", "company", "employer", "file", "column", "bank", "contract", "type", "goods"},
    "telephone": {"bill", "contract"},
    "place of residence": {"account", "loan", "checking", "employment"},
    "family": {"account"},
    "education": {"loan", "purpose"},
    "public assistance": {"employee"},
    "politics": {"credit", "european"},
    "nationality": {"exchange", "programming"},
    "race or ethnicity": {"car", "vehicle", "product"},
    "address": {"present", "current", "verified", "years", "months", "time", "tenure", "length"},
}  # fmt: skip
# What a person may never see a model or a fairness report use: it says who somebody is, not what group they are of.
IDENTIFYING = frozenset({"name", "telephone", "contact", "identity number", "address", "postcode"})

AFTER_THE_FACT = (
    "recovery", "recoveries", "recovered", "settlement", "debt settlement", "hardship", "write off", "writeoff",
    "written off", "charged off", "charge off date", "chargeoff date", "out prncp", "outstanding principal",
    "last pymnt", "last payment", "next pymnt", "next payment", "total pymnt", "total payment", "total paid",
    "amount repaid", "total rec", "principal paid", "interest paid", "late fees paid", "last credit pull",
    "funded amnt", "funded amount", "amount funded", "disbursed", "disbursement", "days past due", "days in arrears",
    "loss amount", "loss given default", "exposure at default", "closed date", "close date", "date closed",
    "pymnt plan", "payment plan", "collection fee", "final status", "loan status", "foreclosure", "repossession",
    "bankruptcy after", "default date", "date of default", "inkasso", "ausfalldatum", "abschreibung",
    "verwertungserlos", "restschuld", "zahlungen gesamt",
)  # fmt: skip
# The lender's own earlier answer: it was made from the application and cannot be asked of the next applicant.
OWN_ANSWER = (
    "int rate", "interest rate", "apr", "sub grade", "subgrade", "loan grade", "risk grade", "grade", "installment",
    "instalment", "monthly installment", "monthly instalment", "emi", "approved amount", "credit decision",
    "decision", "approved", "risk score", "internal score", "pd", "margin", "spread", "premium charged",
    "zins", "zinssatz", "sollzins", "effektivzins", "monatsrate", "marge",
)  # fmt: skip

REFERENCE = ("id", "no", "nr", "number", "nummer", "key", "uuid", "guid", "ref", "reference", "index", "row", "idx")
APPLIED_ON = (
    "application date", "applied on", "applied at", "apply date", "date applied", "issue d", "issue date",
    "origination date", "orig date", "open date", "opened on", "antragsdatum", "created at", "created on",
    "request date", "loan date", "start date", "disbursement date", "booking date", "vintage", "date", "datum",
    "timestamp", "snapshot date", "observation date",
)  # fmt: skip
LABEL_KNOWN_ON = (
    "label known on", "label known at", "known on", "known at", "outcome date", "label date", "default date",
    "date of default", "outcome on", "outcome known", "performance date", "matured on",
)  # fmt: skip
AMOUNT = (
    "loan amnt", "loan amount", "amount", "amount requested", "requested amount", "credit amount", "amt credit",
    "loanamount", "principal", "kreditbetrag", "betrag", "kredithohe", "loan size", "loan amt", "montant", "importe",
    "hoehe", "limit bal", "credit limit", "amount financed", "darlehensbetrag", "application amount",
)  # fmt: skip
TERM = (
    "term", "term months", "loan term", "duration", "duration months", "laufzeit", "laufzeit monate", "maturity",
    "loan duration", "tenor", "months", "loan amount term", "duration in month", "duration in months", "duree", "plazo",
    "term in months", "laufzeit in monaten", "kreditlaufzeit", "vertragslaufzeit", "laufzeit mon",
)  # fmt: skip
INCOME = (
    "annual inc", "annual income", "income", "monthly income", "net income", "net monthly income", "gross income",
    "salary", "einkommen", "nettoeinkommen", "applicantincome", "applicant income", "amt income total",
    "yearly income", "revenu", "ingresos", "monthly salary", "monatseinkommen", "jahreseinkommen", "person income",
    "income year", "income yearly", "income monthly", "annual salary", "monatliches einkommen",
    "nettoeinkommen monatlich", "einkommen netto", "netto einkommen", "nettogehalt", "gehalt", "monatsgehalt",
)  # fmt: skip
YEARLY = ("annual", "annually", "yearly", "year", "jahr", "jahres", "jahreseinkommen", "annuel", "anual", "pa")


def words_of(heading: str) -> list[str]:
    """`MonthlyIncome`, `monthly-income` and `monthly_income` alike: monthly, income. `2yrs` is 2 and yrs."""
    return re.findall(r"[a-z]+|\d+", _parted(heading))


def _parted(heading: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", in_ascii(heading)).lower()


def in_ascii(text: str) -> str:
    text = text.replace("ß", "ss").replace("Æ", "Ae").replace("æ", "ae").replace("ø", "o").replace("ł", "l")
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def means(heading: str, phrases: Iterable[str]) -> bool:
    """Whether one of the phrases stands in the heading as whole words, side by side."""
    text = f" {' '.join(words_of(heading))} "
    return any(f" {phrase} " in text for phrase in phrases)


def sensitive(heading: str) -> str | None:
    """The attribute of a person that may not be weighed, or nothing."""
    words = set(words_of(heading))
    for attribute, phrases in SENSITIVE.items():
        if words & NOT_OF_A_PERSON.get(attribute, set()):
            continue
        if means(heading, phrases):
            return attribute
    return "name" if words_of(heading) == ["name"] else None


def after_the_fact(heading: str) -> bool:
    """Whether this was known only after the decision, going by its name."""
    within = means(heading, ("within", "12 mths", "last 12", "previous", "prior", "before", "letzte", "letzten"))
    return means(heading, AFTER_THE_FACT) and not within


def own_answer(heading: str) -> bool:
    """Whether this looks like the lender's own price, grade or decision. The whole heading must say so."""
    return " ".join(words_of(heading)) in OWN_ANSWER


def is_reference(heading: str) -> bool:
    words = words_of(heading)
    return bool(words) and (words[-1] in REFERENCE or "id" in words)


def is_exactly(heading: str, phrases: Sequence[str]) -> int | None:
    """The place among the phrases of the one this heading is, so that the plainest name wins."""
    text = " ".join(words_of(heading))
    return phrases.index(text) if text in phrases else None


def is_yearly(heading: str) -> bool:
    return means(heading, YEARLY)


def field_name(heading: str, taken: Iterable[str]) -> str:
    """A name for TOML, JSON and rules: lower case, whole, unlike any other and unlike any word with a meaning."""
    name = "_".join(re.findall(r"[a-z0-9]+", _parted(heading)))[:LONGEST].strip("_")
    if not name:
        name = "column"
    if name[0].isdigit():
        name = f"n_{name}"
    if name in RESERVED or keyword.iskeyword(name) or name.startswith("model_"):
        name = f"{name}_given" if not name.startswith("model_") else f"the_{name}"
    return _unlike(name, set(taken))


def label(heading: str) -> str:
    """A heading as a person would say it: `mths_since_last_delinq` is months since last delinquencies."""
    written = _words_as_written(heading)
    shouted = all(word.isupper() or not word.isalpha() for word in written)
    words = [WORDS.get(word.lower()) or (word.lower() if shouted else word) for word in written]
    text = " ".join(words).strip() or heading.strip() or "value"
    return text[:1].upper() + text[1:]


def stem(name: str) -> str:
    """What PAY_2 and PAY_3 have in common."""
    return re.sub(r"[_]?\d+$", "", name) or name


def near(wanted: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Names like this one, the likest first."""
    by_plain = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(wanted.casefold(), by_plain, n=most, cutoff=0.5)
    inside = [plain for plain in by_plain if wanted.casefold() in plain and plain not in found]
    return [by_plain[plain] for plain in [*found, *inside][:most]]


def _words_as_written(heading: str) -> list[str]:
    """Umlauts and accents stay: this is for people."""
    parted = re.sub(r"(?<=[a-zà-ÿ])(?=[A-Z])", " ", heading)
    return re.findall(r"\d+|[^\W\d_]+", parted)


def _unlike(name: str, taken: set[str]) -> str:
    number, found = 2, name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found
