"""`plimsoll model …`: which models there are and what they are worth."""

from typing import Annotated

import typer

from starter.cli.printing import DONE, AsJson, as_json

app = typer.Typer(help="Models.", no_args_is_help=True)


@app.command("train")
def train(
    product: Annotated[str, typer.Argument(help="Product whose model is trained on the data shipped with it.")],
    json: AsJson = False,
) -> int:
    """Trains the product's model on its shipped data and makes it live."""
    from starter.training import train_shipped

    found = train_shipped(product)
    as_json(found) if json else _print(found)
    return DONE


@app.command("show")
def show(product: str, json: AsJson = False) -> int:
    """The model that is live for a product: data, features, quality."""
    from starter.training import describe_live

    found = describe_live(product)
    as_json(found) if json else _print(found)
    return DONE


def _print(found: dict) -> None:
    metrics = found["metrics"]
    low, high = metrics["auc_interval"]
    print(f"{found['name']}@{found['version']} ({found['algorithm']}), {found['data']['rows']} rows")
    print(f"  AUC {metrics['auc']:.3f} ({low:.3f} to {high:.3f}), KS {metrics['ks']:.3f}, Brier {metrics['brier']:.3f}")
    print(f"  features: {', '.join(found['features'])}")
