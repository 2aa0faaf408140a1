"""The API, as the person who signed in. The only module of the console that leaves the process.

Problem                 every call raises this and nothing else: one sentence for the reader
├── SignedOut           the session ended: sign in again
├── Forbidden           this person may not
├── NotThere            no such thing, or not for this person
├── Conflict            somebody was first, or the case moved on; `details` may name the winner
├── Refused             what was said cannot be taken; `details["fields"]` say why
└── Unreachable         the API, or a part behind it, is away: nothing was saved
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote, unquote

import httpx

Json = dict[str, Any]

PATIENCE = httpx.Timeout(8.0, connect=2.0)
READING_PATIENCE = httpx.Timeout(30.0, connect=2.0)  # for what counts over every case
LONG_PATIENCE = httpx.Timeout(120.0, connect=2.0)  # for what reads everything, at a person's word
APPLICATION_ID = re.compile(r"^app_[0-9a-zA-Z]{10,40}$")
OPEN_STATUSES = ("waiting", "review", "awaiting_applicant", "screening", "received")


class Problem(Exception):
    def __init__(self, sentence: str, **details: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.details = details


class SignedOut(Problem):
    pass


class Forbidden(Problem):
    pass


class NotThere(Problem):
    pass


class Conflict(Problem):
    pass


class Refused(Problem):
    pass


class Unreachable(Problem):
    pass


BY_STATUS: Mapping[int, type[Problem]] = {401: SignedOut, 403: Forbidden, 404: NotThere, 409: Conflict}


class Backend:
    """One person's view of the API. `automatic` calls come from a page refreshing itself."""

    def __init__(self, api: str, token: str, *, automatic: bool = False) -> None:
        self._api = api
        self._token = token
        self._automatic = automatic

    def refreshing(self) -> "Backend":
        """The same, for calls nobody asked for: they do not keep the session alive."""
        return Backend(self._api, self._token, automatic=True)

    # Who -----------------------------------------------------------------------------------

    def open_session(self) -> Json:
        """Turns a key into a session; `token` is the key here."""
        return self._ask("POST", "/v1/sessions")

    def end_session(self) -> None:
        self._ask("DELETE", "/v1/sessions/current")

    def who_am_i(self) -> Json:
        return self._ask("GET", "/v1/sessions/current")

    # Reading -------------------------------------------------------------------------------

    def portfolio(self, **chosen: str | None) -> Json:
        """Figures of the applications chosen by product, outcome, arm, version, since, until; in days of `zone`."""
        return self._ask("GET", "/v1/portfolio", params=chosen, patience=READING_PATIENCE)

    def portfolio_choices(self) -> Json:
        """Products, arms and versions one can choose by."""
        return self._ask("GET", "/v1/portfolio/choices")

    def products(self) -> list[Json]:
        return self._ask("GET", "/v1/products")["data"]

    def performance(self, product: str) -> Json:
        """How a product's decisions turned out, as far as it is known today."""
        return self._ask("GET", "/v1/performance", params={"product": product}, patience=READING_PATIENCE)

    def newest_decided(self) -> list[Json]:
        """The case decided last, of whatever product."""
        return self._ask("GET", "/v1/applications", params={"status": "decided", "limit": 1})["data"]

    def drift_reports(self, product: str | None = None, after: str | None = None, limit: int = 50) -> Json:
        """Drift checks of a product or of all, the newest first."""
        return self._ask("GET", "/v1/drift-reports", params={"product": product, "after": after, "limit": limit})

    def drift_report(self, report: str) -> Json:
        return self._ask("GET", f"/v1/drift-reports/{report}")

    def drift_history(self, product: str) -> list[Json]:
        """PSI of every feature over the latest checks, oldest first."""
        return self._ask("GET", "/v1/drift-reports/history", params={"product": product})["data"]

    def drift_page(self, report: str) -> bytes:
        """The report as a page of its own, for the Gate to show in a frame."""
        return self._answered("GET", f"/v1/drift-reports/{report}/page").content

    def product(self, product: str) -> Json:
        return self._ask("GET", f"/v1/products/{product}")

    # Policies -------------------------------------------------------------------------------

    def policies(self) -> list[Json]:
        """What is in force for every product."""
        return self._ask("GET", "/v1/policies")["data"]

    def policy(self, product: str, digest: str | None = None) -> Json:
        """The rules in force, or those of a version of before; with cases, faults and all versions."""
        return self._ask("GET", f"/v1/policies/{quote(product, safe='')}", params={"digest": digest})

    def policy_changes(self, product: str, before: str, after: str | None = None) -> list[str]:
        """In sentences, rule by rule; to what is in force when `after` is left out."""
        asked = {"before": before, "after": after}
        return self._ask("GET", f"/v1/policies/{quote(product, safe='')}/changes", params=asked)["changes"]

    def try_policy(self, product: str, policy: Json, cases: int) -> Json:
        """A changed policy beside the one in force, on the pack's cases and on so many decided ones."""
        said = {"policy": policy, "cases": cases}
        return self._ask("POST", f"/v1/policies/{quote(product, safe='')}/trial", json=said, patience=LONG_PATIENCE)

    # Cases and runs -------------------------------------------------------------------------

    def queue(
        self, *, queue: str | None = None, held: str | None = None, after: str | None = None, limit: int = 50
    ) -> Json:
        """The most urgent first; `held` is mine, others, free, or second for approvals owed."""
        asked = {"queue": queue, "held": held, "after": after, "limit": limit}
        return self._ask("GET", "/v1/reviews", params=asked)

    def desk(self) -> Json:
        """`data`: how many tasks wait in each queue: free, mine, with the applicant, overdue; `away`: who is."""
        return self._ask("GET", "/v1/reviews/summary")

    def similar(self, application: str) -> list[Json]:
        """Decided cases nearest to this one, with what became of them."""
        return self._ask("GET", f"/v1/applications/{application}/similar")["data"]

    def offer(self, application: str, amount: str, term_months: int) -> Json:
        """What another offer would cost and risk."""
        params = {"amount": amount, "term_months": term_months}
        return self._ask("GET", f"/v1/applications/{application}/offer", params=params)

    def document(self, application: str, document: str) -> tuple[bytes, str, str]:
        """(content, media type, name); goes on record."""
        answer = self._answered("GET", f"/v1/applications/{application}/documents/{document}")
        name = unquote(answer.headers.get("content-disposition", "").rpartition("UTF-8''")[2]) or "document"
        return answer.content, answer.headers["content-type"], name

    def case(self, application: str) -> Json:
        """Everything about a case, with its steps and ledger entries. Raises NotThere for what is no id at all."""
        if not APPLICATION_ID.match(application):
            raise NotThere("That is not the id of a case: it looks like app_… .")
        return self._ask("GET", f"/v1/applications/{application}/trace")

    def find(self, number: str) -> str | None:
        """The case with this id, or else the newest with this number of the lender's own."""
        if APPLICATION_ID.match(number):
            return number
        found = self._ask("GET", "/v1/applications", params={"external_id": number, "limit": 1})["data"]
        return found[0]["id"] if found else None

    def decisions(self, number: str) -> list[Json]:
        """Cases by any of their names: ours, the lender's, or the applicant's. Newest first."""
        return self._ask("GET", "/v1/decisions", params={"number": number})["data"]

    def proof(self, application: str) -> Json:
        """The record of one case, hashed again."""
        return self._ask("GET", f"/v1/decisions/{application}/proof")

    def note_copy(self, application: str, form: str, mark: str, content: str) -> None:
        """Puts on record that this person took a file about a case out of the house."""
        said = {"form": form, "mark": mark, "content": content}
        self._ask("POST", f"/v1/applications/{application}/copies", json=said)

    def verification(self) -> Json:
        """The whole record, read again."""
        return self._ask("GET", "/v1/ledger/verification", patience=LONG_PATIENCE)

    def run_of(self, application: str) -> Json:
        """What Temporal says of the run now. Raises Unreachable while Temporal is away."""
        return self._ask("GET", f"/v1/applications/{application}/workflow")

    def runs(
        self,
        statuses: Iterable[str] = (),
        waiting_on: str | None = None,
        stuck: bool = False,
        after: str | None = None,
        limit: int = 50,
    ) -> Json:
        """Runs in any of these statuses (all, if none is named), newest first; `stuck`: that do not get on."""
        asked = {"status": list(statuses) or None, "waiting_on": waiting_on, "stuck": stuck or None, "after": after,
                 "limit": limit}  # fmt: skip
        return self._ask("GET", "/v1/workflows", params=asked)

    def runs_summary(self) -> Json:
        return self._ask("GET", "/v1/workflows/summary")

    def experiments(self, after: str | None = None, limit: int = 20) -> Json:
        """The newest first."""
        return self._ask("GET", "/v1/experiments", params={"after": after, "limit": limit})

    def rollouts(self, after: str | None = None, limit: int = 20) -> Json:
        """The newest first."""
        return self._ask("GET", "/v1/rollouts", params={"after": after, "limit": limit})

    def rollout(self, rollout: str) -> Json:
        """One roll-out with its evaluations, the newest first."""
        return self._ask("GET", f"/v1/rollouts/{rollout}")

    def models(self, after: str | None = None, limit: int = 100) -> Json:
        """Versions, newest first."""
        return self._ask("GET", "/v1/models", params={"after": after, "limit": limit})

    def model_report(self, model: str) -> Json:
        """One version with all that was measured of it, and its card."""
        return self._ask("GET", f"/v1/models/{model}/report")

    def trainings(self, state: str | None = None) -> list[Json]:
        return self._ask("GET", "/v1/trainings", params={"state": state})["data"]

    def retrainings(self, limit: int = 10) -> list[Json]:
        """The newest first."""
        return self._ask("GET", "/v1/retrainings", params={"limit": limit})["data"]

    # The house ------------------------------------------------------------------------------

    def entries(self, *, before: int | None = None, limit: int = 50, **chosen: str | None) -> Json:
        """The record, newest first; chosen by kind, by, about, since, until."""
        return self._ask("GET", "/v1/ledger/entries", params={"before": before, "limit": limit, **chosen})

    def keys(self) -> list[Json]:
        return self._ask("GET", "/v1/keys")["data"]

    def create_key(self, actor: str, roles: list[str], name: str) -> Json:
        """Its `key` is shown this once."""
        return self._ask("POST", "/v1/keys", json={"actor": actor, "roles": roles, "name": name})

    def revoke_key(self, key: str) -> None:
        self._ask("DELETE", f"/v1/keys/{key}")

    def schedules(self) -> list[Json]:
        """Raises Unreachable while Temporal is away."""
        return self._ask("GET", "/v1/schedules")["data"]

    def move_schedule(self, schedule: str, verb: str, reason: str = "") -> Json:
        """`verb`: run, pause or resume; the last two take a reason."""
        said = None if verb == "run" else {"reason": reason}
        return self._ask("POST", f"/v1/schedules/{quote(schedule)}/{verb}", json=said)

    # Customers and what is done for them ---------------------------------------------------

    def customers(self, level: str | None = None, after: str | None = None, limit: int = 50) -> Json:
        """Who is watched, the highest risk first."""
        return self._ask("GET", "/v1/customers", params={"level": level, "after": after, "limit": limit})

    def customer(self, number: str) -> Json:
        """One customer by our id or the lender's own."""
        return self._ask("GET", f"/v1/customers/{quote(number, safe='')}")

    def contact_profile(self, person: str) -> Json:
        """How a customer may be reached: masked addresses, consent, flags, what is used up of every cap."""
        return self._ask("GET", f"/v1/customers/{quote(person, safe='')}/contact")

    def stream(self) -> Json:
        return self._ask("GET", "/v1/customers/stream")

    def rejected_lines(self, after: int | None = None, limit: int = 50) -> Json:
        """The newest first."""
        return self._ask("GET", "/v1/transactions/rejected", params={"after": after, "limit": limit})

    def interventions(self, *, after: str | None = None, limit: int = 50, **chosen: str | None) -> Json:
        """The newest first; chosen by person, state, level, arm."""
        return self._ask("GET", "/v1/interventions", params={"after": after, "limit": limit, **chosen})

    def intervention(self, intervention: str) -> Json:
        return self._ask("GET", f"/v1/interventions/{quote(intervention, safe='')}")

    def intervention_accounting(self) -> Json:
        """Triggers against what became of each."""
        return self._ask("GET", "/v1/interventions/accounting")

    def strategies(self) -> Json:
        return self._ask("GET", "/v1/interventions/strategies")

    def effect(self) -> Json:
        """Treated against held out."""
        return self._ask("GET", "/v1/interventions/effect")

    def cancel_intervention(self, intervention: str, reason: str) -> Json:
        return self._ask("POST", f"/v1/interventions/{intervention}/cancel", json={"reason": reason})

    def call_tasks(self, state: str | None = None, after: str | None = None, limit: int = 50) -> Json:
        """Collectors' tasks, the most urgent first."""
        return self._ask("GET", "/v1/collector-tasks", params={"state": state, "after": after, "limit": limit})

    def call_task(self, task: str) -> Json:
        return self._ask("GET", f"/v1/collector-tasks/{quote(task, safe='')}")

    def take_next_call(self) -> Json | None:
        """The most urgent task whose customer may be called now, claimed; None when there is none."""
        return self._ask("POST", "/v1/collector-tasks/next")["data"]

    def move_call(self, task: str, verb: str) -> Json:
        """`verb`: claim, call or release. `call` gives number and script, and counts."""
        return self._ask("POST", f"/v1/collector-tasks/{task}/{verb}")

    def answer_call(self, task: str, report: Json) -> Json:
        """Repeating the same answer is harmless: the API keeps the first."""
        return self._ask("POST", f"/v1/collector-tasks/{task}/answer", json=report)

    # Texts for customers --------------------------------------------------------------------

    def templates(self) -> list[Json]:
        """Every version of every text, and who stands behind it."""
        return self._ask("GET", "/v1/message-templates")["data"]

    def propose_template(self, template: Json, reason: str) -> Json:
        return self._ask("POST", "/v1/message-templates", json={"template": template, "reason": reason})

    def move_template(self, text: Json, verb: str, reason: str) -> Json:
        """`verb`: approve what was read, whose digest goes along, or retire."""
        said = {"reason": reason} | ({"digest": text["digest"]} if verb == "approve" else {})
        path = f"/v1/message-templates/{quote(text['name'], safe='')}/{text['version']}/{verb}"
        return self._ask("POST", path, json=said)

    # Acting --------------------------------------------------------------------------------

    def review(self, task: str) -> Json:
        return self._ask("GET", f"/v1/reviews/{task}")

    def claim(self, task: str) -> Json:
        return self._ask("POST", f"/v1/reviews/{task}/claim")

    def release(self, task: str) -> Json:
        return self._ask("POST", f"/v1/reviews/{task}/release")

    def decide(self, task: str, answer: Json) -> Json:
        """Repeating the same verdict is harmless: the API keeps the first and gives it back."""
        return self._ask("POST", f"/v1/reviews/{task}/decision", json=answer)

    def other_runs(self, kind: str | None = None, after: str | None = None, limit: int = 50) -> Json:
        """Runs that are no application's and have not ended, the newest first."""
        return self._ask("GET", "/v1/workflows/others", params={"kind": kind, "after": after, "limit": limit})

    def retry(self, application: str, reason: str) -> int:
        """How many waiting steps of this case are tried now."""
        return self._ask("POST", f"/v1/workflows/retry/{application}", json={"reason": reason})["retried"]

    def withdraw(self, application: str, reason: str) -> None:
        self._ask("POST", f"/v1/applications/{application}/withdraw", json={"reason": reason})

    def note(self, application: str, text: str) -> None:
        self._ask("POST", f"/v1/applications/{application}/notes", json={"text": text})

    def ask_for_document(self, task: str, code: str) -> None:
        self._ask("POST", f"/v1/reviews/{task}/documents", json={"code": code})

    def hand_up(self, task: str, reason: str) -> None:
        self._ask("POST", f"/v1/reviews/{task}/hand-up", json={"reason": reason})

    def leave(self, until: str) -> None:
        """Away until then; what this person holds goes back to the queue."""
        self._ask("PUT", "/v1/reviews/absence", json={"until": until})

    def come_back(self) -> None:
        self._ask("DELETE", "/v1/reviews/absence")

    def move_model(self, model: str, verb: str, reason: str) -> Json:
        """`verb`: proposal, approval or rejection."""
        return self._ask("POST", f"/v1/models/{model}/{verb}", json={"reason": reason})

    def check_drift(self, product: str) -> Json:
        """Begins a check now; its report is there when it is done."""
        return self._ask("POST", "/v1/drift-checks", json={"product": product})

    def resume(self, source: str, reason: str) -> Json:
        return self._ask("POST", "/v1/workflows/resume", params={"waiting_on": source}, json={"reason": reason})

    def plan_experiment(self, question: Json) -> Json:
        return self._ask("POST", "/v1/experiments", json=question)

    def move_experiment(self, experiment: str, verb: str, reason: str) -> Json:
        return self._ask("POST", f"/v1/experiments/{experiment}/{verb}", json={"reason": reason})

    def read_experiment(self, experiment: str) -> Json:
        return self._ask("POST", f"/v1/experiments/{experiment}/reading")

    def begin_rollout(self, model: str, reason: str) -> Json:
        """With the usual phases and gates."""
        return self._ask("POST", "/v1/rollouts", json={"model": model, "reason": reason})

    def move_rollout(self, rollout: str, verb: str, reason: str) -> Json:
        return self._ask("POST", f"/v1/rollouts/{rollout}/{verb}", json={"reason": reason})

    # Below ---------------------------------------------------------------------------------

    def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Json | None = None,
        json: Json | None = None,
        patience: httpx.Timeout = PATIENCE,
    ) -> Any:
        response = self._answered(method, path, params=params, json=json, patience=patience)
        return response.json() if response.content else None

    def _answered(
        self,
        method: str,
        path: str,
        *,
        params: Json | None = None,
        json: Json | None = None,
        patience: httpx.Timeout = PATIENCE,
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}"}
        if self._automatic:
            headers["X-Plimsoll-Refresh"] = "automatic"
        given = {name: value for name, value in (params or {}).items() if value is not None}
        try:
            response = _client(self._api).request(
                method, path, params=given, json=json, headers=headers, timeout=patience
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            arrived = isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout)
            raise Unreachable(_away(self._api, arrived), perhaps_done=arrived and method != "GET") from None
        if response.is_success:
            return response
        raise _problem(response)


@cache
def _client(api: str) -> httpx.Client:
    # trust_env off: a proxy named in the environment must not see sessions on their way to loopback.
    return httpx.Client(base_url=api, timeout=PATIENCE, trust_env=False, follow_redirects=False)


def _away(api: str, arrived: bool) -> str:
    if arrived:
        return f"The API at {api} did not answer in time: look again before you repeat what you did."
    return f"The API at {api} does not answer: `plimsoll doctor` says which part is down."


def _problem(response: httpx.Response) -> Problem:
    try:
        said = response.json()
        sentence = str(said.get("detail") or said.get("title") or "")
    except (ValueError, AttributeError):
        said, sentence = {}, ""
    sentence = _with_its_fields(sentence, said.get("fields") or [])
    details = {name: said[name] for name in ("code", "fields", "outcome", "reason", "by", "version") if name in said}
    if response.status_code >= 500 or response.status_code == 429:
        return Unreachable(sentence or f"The API answered {response.status_code}: try again in a moment.", **details)
    kind = BY_STATUS.get(response.status_code, Refused)
    return kind(sentence or f"The API answered {response.status_code}.", **details)


def _with_its_fields(sentence: str, fields: list[Json]) -> str:
    """Who reads a page sees no `fields` beside the sentence, so what they say goes into it."""
    said, points_there, _ = sentence.partition(": see `fields`")
    if not points_there or not fields:
        return sentence
    return f"{said}: " + "; ".join(f"{each['field']} {each['problem']}" for each in fields) + "."
