"""`plimsoll model …`: trained, looked at, proposed by one and approved by another, given a role."""

import time
from typing import Annotated, Any

import typer

from starter.cli.printing import DONE, FAILED, AsJson, AsRole, as_json, moment, note, table
from starter.cli.remote import Remote
from starter.cli.trainings import BETWEEN_LOOKS, followed_to_its_end, where_it_stands

app = typer.Typer(help="Models.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(help="mdl_…, name@version (its beginning will do), or a name: what is live.")]
Reason = Annotated[str, typer.Option("--reason", help="Goes on record.")]
ASKED = 10  # times at most for a comparison, which on a large file takes longer than the API lets anybody wait
COLUMNS = {
    "model": "id", "name": "name", "version": "version", "state": "state", "role": "role", "AUC": "auc",
    "trained by": "created_by", "proposed by": "proposed_by", "approved by": "approved_by", "trained": "created_at",
}  # fmt: skip
MEASURES = ("auc", "gini", "ks", "brier", "ece")


@app.command("train")
def train(
    product: Annotated[str, typer.Argument(help="Product whose model is trained, on the data its pack names.")],
    reason: Reason = "asked for on the command line",
    plan: Annotated[
        str | None, typer.Option(help='What differs from the usual plan, as JSON: {"trials": 2}.', show_default=False)
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once; `model training` shows how far it is.")] = (
        False
    ),
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Trains the product's model; it becomes a candidate, and nothing becomes live by it."""
    wanted: dict[str, Any] = {"product": product, "reason": reason}
    if plan:
        wanted["plan"] = _read_plan(plan)
    with Remote(role or "model_owner") as api:
        run, _ = api.post("/v1/trainings", wanted)
        if not detach:
            note(
                f"{run['id']} has begun and goes on without you: `plimsoll model training {run['id']}` finds it again."
            )
            run = followed_to_its_end(api, run)
        if json:
            as_json(run)
        else:
            _tell_training(api, run)
    return DONE if run["state"] in ("running", "done") else FAILED


@app.command("retrain")
def retrain(
    product: Annotated[str, typer.Argument(help="Product whose champion gets a successor to be held against.")],
    reason: Reason = "asked for on the command line",
    plan: Annotated[
        str | None, typer.Option(help='What differs from the usual plan, as JSON: {"trials": 2}.', show_default=False)
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return at once; `retraining show` tells what came.")] = (
        False
    ),
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Trains a successor, calibrates the champion anew, and holds both against the champion on newer applications.

    It ends with a challenger that may be proposed, or a rejection with its reasons; nothing becomes live by it.
    """
    from starter.cli.retrainings import tell

    wanted: dict[str, Any] = {"product": product, "reason": reason}
    if plan:
        wanted["plan"] = _read_plan(plan)
    with Remote(role or "model_owner") as api:
        run, _ = api.post("/v1/retrainings", wanted)
        if not detach:
            run = _retrained(api, run)
    as_json(run) if json else tell(run)
    return FAILED if run["state"] in ("stopped", "failed") else DONE


@app.command("training")
def training(
    run: Annotated[str | None, typer.Argument(help="trn_…; the newest ones without.", show_default=False)] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Stay until it ends.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 10,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """How far a training is, what it found, and what it gave."""
    with Remote(role or "analyst") as api:
        if run is None:
            found = api.get("/v1/trainings", limit=limit)["data"]
            _print_all(found, {"training": "id", "product": "product", "state": "state", "why": "trigger",
                               "by": "requested_by", "began": "started_at", "ended": "ended_at"}, json,
                       "Nothing was trained yet: `plimsoll model train PRODUCT` begins.")  # fmt: skip
            return DONE
        shown = api.get(f"/v1/trainings/{run}")
        if follow:
            shown = followed_to_its_end(api, shown)
        as_json(shown) if json else _tell_training(api, shown)
    return DONE


@app.command("cancel")
def cancel(
    run: Annotated[str, typer.Argument(help="trn_…")], reason: Reason, role: AsRole = None, json: AsJson = False
) -> int:
    """Stops a training; what it finished is kept, and no version is made."""
    with Remote(role or "model_owner") as api:
        stopped, _ = api.post(f"/v1/trainings/{run}/cancel", {"reason": reason})
    as_json(stopped) if json else print(f"{run} is {stopped['state']}.")
    return DONE


@app.command("register")
def register(
    product: Annotated[str, typer.Argument(help="Product the version was trained for.")],
    version: Annotated[str, typer.Argument(help="Its folder below the product's models.")],
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Makes a version that lies in the models folder, from another machine perhaps, a candidate."""
    with Remote(role or "model_owner") as api:
        model, _ = api.post("/v1/models", {"product": product, "version": version})
    as_json(model) if json else print(f"{_called(model)} is {model['state']} ({model['id']}).")
    return DONE


@app.command("list")
def list_models(
    product: Annotated[str | None, typer.Option(help="Only this product's.")] = None,
    state: Annotated[str | None, typer.Option(help="candidate, proposed, approved, rejected, retired")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Versions, newest first, with the roles they play."""
    with Remote(role or "analyst") as api:
        found = api.get("/v1/models", product=product, state=state, limit=limit)["data"]
    rows = [model | {"auc": model["metrics"].get("auc"), "role": _roles(model)} for model in found]
    _print_all(found if json else rows, COLUMNS, json, "There is no model: `plimsoll model train PRODUCT` makes one.")
    return DONE


@app.command("show")
def show(
    reference: Reference,
    history: Annotated[bool, typer.Option("--history", help="With what the ledger says of it.")] = False,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """One version: data, features, quality, roles, and who trained, proposed and approved it."""
    with Remote(role or "analyst") as api:
        found = api.get(f"/v1/models/{reference}")
        entries = api.get(f"/v1/models/{found['id']}/history")["data"] if history else []
    if json:
        as_json(found | ({"history": entries} if history else {}))
        return DONE
    _print_model(found)
    for entry in entries:
        print(f"  {moment(entry['at'])}  {entry['kind']:20} {entry['actor_name']}: {entry['reason']}")
    return DONE


@app.command("compare")
def compare(
    one: Reference,
    other: Annotated[str, typer.Argument(help="With what it is compared.")],
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Two versions side by side: what each was measured at, and which ranks better where neither has learnt."""
    with Remote(role or "analyst") as api:
        a, b = api.get(f"/v1/models/{one}"), api.get(f"/v1/models/{other}")
        common = _on_common_rows(api, a, b)
    rows = [
        {"measure": name, "one": a["metrics"][name], "other": b["metrics"][name],
         "difference": b["metrics"][name] - a["metrics"][name]}
        for name in MEASURES if name in a["metrics"] and name in b["metrics"]
    ]  # fmt: skip
    differ = {
        "only_one": sorted(set(a["features"]) - set(b["features"])),
        "only_other": sorted(set(b["features"]) - set(a["features"])),
        "same_data": a["data"].get("digest") == b["data"].get("digest"),
    }
    if json:
        as_json({"one": a, "other": b, "measures": rows, "common_rows": common, **differ})
        return DONE
    table({"": "measure", _called(a): "one", _called(b): "other", "difference": "difference"}, rows)
    if not differ["same_data"]:
        note("They were measured on different data: these differences say little.")
    print(common["sentence"])
    for where, which in (("only_one", a), ("only_other", b)):
        if differ[where]:
            print(f"only {_called(which)} reads: {', '.join(differ[where])}")
    return DONE


@app.command("propose")
def propose(reference: Reference, reason: Reason, role: AsRole = None, json: AsJson = False) -> int:
    """Proposes a candidate; somebody else approves or rejects it."""
    return _say(reference, "proposal", reason, role or "model_owner", json)


@app.command("approve")
def approve(reference: Reference, reason: Reason, role: AsRole = None, json: AsJson = False) -> int:
    """Approves what somebody else proposed; it may then be given a role."""
    return _say(reference, "approval", reason, role or "model_approver", json)


@app.command("reject")
def reject(reference: Reference, reason: Reason, role: AsRole = None, json: AsJson = False) -> int:
    """Rejects what was proposed, for good."""
    return _say(reference, "rejection", reason, role or "model_approver", json)


@app.command("retire")
def retire(reference: Reference, reason: Reason, role: AsRole = None, json: AsJson = False) -> int:
    """Retires a version that plays no role."""
    return _say(reference, "retirement", reason, role or "model_owner", json)


@app.command("promote")
def promote(
    reference: Reference,
    reason: Reason,
    to: Annotated[str, typer.Option(help="champion, challenger or shadow")] = "champion",
    share: Annotated[float, typer.Option(help="Of applicants, a challenger's.", min=0, max=1)] = 0.1,
    product: Annotated[str | None, typer.Option(help="Refuse when it was trained for another.")] = None,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Gives an approved version a role at once; `rollout start` does it step by step."""
    wanted = {"role": to, "share": share if to == "challenger" else 0.0, "reason": reason, "product": product}
    with Remote(role or "model_owner") as api:
        model, _ = api.post(f"/v1/models/{reference}/role", wanted)
    as_json(model) if json else print(f"{_called(model)} is {_roles(model)} for whatever begins from now on.")
    return DONE


@app.command("demote")
def demote(
    name: Annotated[str, typer.Argument(help="The model's name.")],
    from_: Annotated[str, typer.Argument(metavar="ROLE", help="challenger or shadow")],
    reason: Reason,
    role: AsRole = None,
    json: AsJson = False,
) -> int:
    """Leaves a challenger's or a shadow's role empty."""
    from urllib.parse import urlencode

    with Remote(role or "model_owner") as api:
        api.delete(f"/v1/models/{name}/roles/{from_}?{urlencode({'reason': reason})}")
        found = [model for model in api.get("/v1/models", name=name)["data"] if model["role"]]
    as_json({"name": name, "left_empty": from_}) if json else print(f"{name} has no {from_} now.")
    for model in () if json else found:
        print(f"  {_called(model)} is {_roles(model)}.")
    return DONE


@app.command("mirror")
def mirror(json: AsJson = False) -> int:
    """Shows MLflow what the registry knows; what changes is mirrored by itself, this is for after an outage."""
    import asyncio

    from starter.models.mirroring import mirror_now

    shown = asyncio.run(mirror_now())
    as_json({"versions": shown}) if json else print(f"{shown} versions are in MLflow: `plimsoll model ui` shows them.")
    return DONE


@app.command("ui")
def ui(port: Annotated[int, typer.Option(help="Where it answers.")] = 5000) -> int:
    """MLflow's own pages on the mirror, until you stop them."""
    from starter.models.mirroring import serve_ui

    note(f"MLflow: http://127.0.0.1:{port}  (Ctrl+C stops it)")
    return serve_ui(port)


def _on_common_rows(api: Remote, a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    """What cannot be compared is said; what each was measured at is shown all the same."""
    from plimsoll.domain.errors import PlimsollError, Unavailable

    for _ in range(ASKED):
        try:
            return api.get(f"/v1/models/{a['id']}/comparison", other=b["id"])
        except Unavailable as error:  # it goes on meanwhile, and is asked for again
            said = error.message
        except PlimsollError as error:
            return {"sentence": error.message}
    return {"sentence": said}


def _read_plan(text: str) -> Any:
    from json import JSONDecodeError, loads

    try:
        return loads(text)
    except JSONDecodeError as error:
        raise typer.BadParameter(f"--plan is no JSON: {error.msg} at character {error.pos}.") from None


def _say(reference: str, what: str, reason: str, role: str, json: bool) -> int:
    with Remote(role) as api:
        model, _ = api.post(f"/v1/models/{reference}/{what}", {"reason": reason})
    as_json(model) if json else print(f"{_called(model)} is {model['state']} ({model['id']}).")
    return DONE


def _retrained(api: Remote, run: dict[str, Any]) -> dict[str, Any]:
    """The retraining as it ended, its training followed on the way. Leaving early leaves it running."""
    followed = False
    while run["state"] == "running":
        if run["training"] and not followed:
            followed_to_its_end(api, api.get(f"/v1/trainings/{run['training']}"))
            followed = True
        time.sleep(BETWEEN_LOOKS)
        run = api.get(f"/v1/retrainings/{run['id']}")
    return run


def _tell_training(api: Remote, run: dict[str, Any]) -> None:
    print(f"{run['id']}: {run['product']}, {run['state']}, asked for by {run['requested_by']}")
    for step in (run["progress"] or {}).get("finished", []):
        print(f"  {step['step']:10} {step['seconds']:7.1f} s  {step['sentence']}")
    if run["state"] == "running":
        print(f"  now {where_it_stands(run['progress'])}" if run["progress"] else "  It waits for a worker.")
    if run["error"]:
        print(f"  {run['error']}")
    if run["model"]:
        _print_model(api.get(f"/v1/models/{run['model']['id']}"))
        print(f"Next: plimsoll model propose {run['model']['id']} --reason …, then somebody else approves it.")


def _print_all(found: list[dict[str, Any]], columns: dict[str, str], json: bool, nothing: str) -> None:
    if json:
        for row in found:
            as_json(row)
    elif found:
        table(columns, found)
    else:
        note(nothing)


def _print_model(found: dict[str, Any]) -> None:
    metrics = found["metrics"]
    print(f"{_called(found)} ({found['algorithm']}), {found['state']}, {_roles(found) or 'no role'}  {found['id']}")
    if "auc_interval" in metrics:
        low, high = metrics["auc_interval"]
        ks, brier = metrics["ks"], metrics["brier"]
        print(f"  AUC {metrics['auc']:.3f} ({low:.3f} to {high:.3f}), KS {ks:.3f}, Brier {brier:.3f}")
    if found["data"].get("rows"):
        print(f"  trained on {found['data']['rows']} rows, {found['data']['target_rate']:.1%} bad")
    print(f"  features: {', '.join(found['features'])}")
    for what, who, when in (
        ("trained", found["created_by"], found["created_at"]),
        ("proposed", found["proposed_by"], found["proposed_at"]),
        ("approved", found["approved_by"], found["approved_at"]),
    ):
        if when:
            print(f"  {what} {when[:16].replace('T', ' ')} by {who or '–'}")
    for blocker in found["blockers"]:
        print(f"  must not be released: {blocker}")
    if found["note"]:
        print(f"  {found['note']}")


def _called(model: dict[str, Any]) -> str:
    return f"{model['name']}@{model['version']}"


def _roles(model: dict[str, Any]) -> str | None:
    """`champion`, `challenger 10 %`"""
    return ", ".join(f"{r['role']} {r['share']:.0%}" if r["share"] else r["role"] for r in model["roles"]) or None
