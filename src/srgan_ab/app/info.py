"""`srgan-ab info`: which trained networks are at hand, how they were made, how good they are."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from srgan_ab.app.networks import arms_here, classes_of, facts, replicates
from srgan_ab.app.tables import Row, shown
from srgan_ab.common import paths
from srgan_ab.common.arms import ARM_NAMES, trained_on
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import read_metrics
from srgan_ab.common.shipped import DIRECTORY, SHIPPED

SETS = ("Set5", "Set14", "BSD")  # of the cards, each with three numbers
NUMBERS = ("psnr_y", "ssim_y", "lpips")
IN_JSON_ALONE = ("set5_ssim_y", "bsd_ssim_y", *(f"set14_{number}" for number in NUMBERS))


def info(
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="Of what is printed.")
    ] = "table",
) -> None:
    """Say which generators and classifiers are at hand, how they were made, how good they are.

    Generators that come with the project, with the numbers of their cards; those of the run in this
    folder, and its classifiers, with the numbers of metrics/ on test images.

    \b
    srgan-ab info
    srgan-ab info --format json
    """  # noqa: D301
    parts = {
        "shipped": [_shipped(name) for name in SHIPPED if _weights(name).is_file()],
        "generators": generators(),
        "classifiers": classifiers(),
    }
    if form == "json":
        typer.echo(json.dumps(parts, indent=2, ensure_ascii=False))
        return
    titles = {
        "shipped": f"Generators that come with the project (cards: {DIRECTORY})",
        "generators": "Generators of the run in this folder, on its test images",
        "classifiers": "Classifiers of the run in this folder, on real test images",
    }
    parts["shipped"] = [
        {key: value for key, value in row.items() if key not in IN_JSON_ALONE}
        for row in parts["shipped"]
    ]
    for part, rows in parts.items():
        typer.echo(f"{titles[part]}\n\n{shown(rows, 'table') if rows else 'none'}\n")


def _weights(name: str) -> Path:
    return DIRECTORY / f"{name}.safetensors"


def _shipped(name: str) -> Row:
    row: dict[str, Any] = {"name": name} | _network(_weights(name))
    row["good_for"] = _good_for(DIRECTORY / "README.md", name)
    return row | _numbers_of_card(DIRECTORY / f"{name}.md", name)


def _network(path: Path) -> dict[str, Any]:
    made = facts(path)
    return {"blocks": made.get("blocks"), "maps": made.get("channels")} | {
        "megabytes": round(path.stat().st_size / 1e6, 1)
    }


def _good_for(table: Path, name: str) -> str | None:
    """The last cell of a generator's row in the table of all of them."""
    cells = _row(table, name)
    return cells[-1] if cells else None


def _numbers_of_card(card: Path, name: str) -> dict[str, float | None]:
    """PSNR, SSIM and LPIPS on each set, from the table of a card; None where it has none."""
    keys = [f"{part.lower()}_{number}" for part in SETS for number in NUMBERS]
    cells = _row(card, name)
    if len(cells) != 1 + len(keys):
        return dict.fromkeys(keys)
    return {
        key: float(cell) if re.fullmatch(r"[\d.]+", cell) else None
        for key, cell in zip(keys, cells[1:], strict=True)
    }


def _row(file: Path, name: str) -> Sequence[str]:
    """Cells of the first row of a Markdown file that begins with a name; none if none does."""
    text = file.read_text("utf-8") if file.is_file() else ""
    found = re.search(rf"^\| \[?`{name}`.*$", text, re.MULTILINE)
    return [cell.strip() for cell in found[0].strip("|").split("|")] if found else []


def generators() -> list[Row]:
    """Generators of the run in the current folder, with their numbers on test images."""
    quality = _metrics("sr").get("test", {})
    rows: list[Row] = []
    for method, path in (
        ("srresnet", paths.SRRESNET),
        ("perceptual", paths.PERCEPTUAL),
        ("srgan", paths.GENERATOR),
        ("task", paths.TASK),
    ):
        if path.is_file():
            numbers = quality.get(method, {})
            measured = {key: numbers.get(key) for key in ("psnr_rgb", *NUMBERS)}
            rows.append({"name": method, "path": str(path)} | _network(path) | measured)
    return rows


def classifiers() -> list[Row]:
    """Classifiers of the run in the current folder, with their numbers on real test images."""
    try:
        arms = arms_here([])
    except UserError:  # a folder of photographs needs none
        return []
    images = trained_on(_images_of_b())
    rows: list[Row] = []
    for arm in arms:
        files = replicates(arm)
        made, numbers = facts(files[0]), _metrics(arm)
        rows.append(
            {"arm": arm, "name": ARM_NAMES[arm], "trained_on": images[arm]}
            | {"examples": _training(arm).get("examples"), "replicates": len(files)}
            | {"backbone": made.get("backbone"), "classes": ", ".join(classes_of(arm))}
            | {key: numbers.get(key) for key in ("accuracy", "f1", "roc_auc", "log_loss")}
        )
    return rows


def _images_of_b() -> str:
    if not paths.PARAMS.is_file():
        return "sr"
    from srgan_ab.common.params import load

    return load(paths.PARAMS).b.images


def _training(arm: str) -> dict[str, Any]:
    path = paths.classifier(arm) / "training.json"
    return read_metrics(path) if path.is_file() else {}


def _metrics(name: str) -> dict[str, Any]:
    path = paths.METRICS / f"{name}.json"
    return read_metrics(path) if path.is_file() else {}
