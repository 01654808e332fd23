"""Cards of generators and classifiers, with the front matter that Hugging Face reads."""

import re
from collections.abc import Iterable
from pathlib import Path

from srgan_ab.app.exporting import facts
from srgan_ab.app.info import classifiers
from srgan_ab.app.networks import classes_of, replicates, scale_of
from srgan_ab.app.networks import facts as facts_of_weights
from srgan_ab.common import paths
from srgan_ab.common.files import read_metrics
from srgan_ab.common.shipped import DIRECTORY, SHIPPED

LIBRARIES = {"onnx": "onnx", "torch": "pytorch", "safetensors": "safetensors"}
LICENCES = {True: "mit", False: "unknown"}  # of shipped generators, and of others
BASE = "faithful"  # whose card those of the other shipped ones refer to
NUMBERS = {"psnr_rgb": "PSNR RGB", "psnr_y": "PSNR Y", "ssim_y": "SSIM Y", "lpips": "LPIPS"}
SCORES = {"accuracy": "accuracy", "f1": "F1", "roc_auc": "ROC-AUC", "log_loss": "log loss"}
UNLICENSED = (
    "The licence of these weights is not stated: ask who trained them, and mind the terms of\n"
    "the pictures."
)
USES = {
    "onnx": """\
import onnxruntime

session = onnxruntime.InferenceSession("{file}")
(sr,) = session.run(["sr"], {{"lr": lr}})""",
    "torch": """\
import torch

network = torch.export.load("{file}").module()
sr = network(lr)""",
    "safetensors": """\
from srgan_ab import load_generator, upscale

upscale("photo.jpg", load_generator("{file}")).save("larger.png")""",
}


def licence(model: str) -> str:
    """Of a generator: that of the project where it comes with it; of others nobody has said it."""
    return LICENCES[model in SHIPPED]


def card(model: str, weights: Path, form: str, file: str) -> str:
    """Write the card.

    Args:
        model: the name of a shipped generator, or what its user called it.
        weights: its file.
        form: `onnx`, `torch` or `safetensors`.
        file: name of the exported file.

    Raises:
        UserError: a file that it is made of is damaged.
    """
    name = model if model in SHIPPED else weights.stem
    tags = ("super-resolution", "image-upscaling", "srgan", form)
    matter = _front_matter(licence(model), LIBRARIES[form], "image-to-image", tags)
    scale = scale_of(weights)
    parts = [matter, f"# {name}, ×{scale}", _usage(form, file, name, scale)]
    if model in SHIPPED:
        parts += [f"## How it was made\n\n{_shipped_card(model)}"]
        if model != BASE:
            parts += [f"## The card of `{BASE}`\n\n{_shipped_card(BASE)}"]
    else:
        parts += [_made(weights), _measured(weights), _limits()]
    return "\n\n".join(part for part in parts if part) + "\n"


def classifier_card(arm: str) -> str:
    """Write the card of one arm's classifiers, of the run in the current folder.

    Raises:
        UserError: a file that it is made of is missing or damaged.
    """
    (row,) = (row for row in classifiers() if row["arm"] == arm)
    weights = replicates(arm)
    tags = ("image-classification", str(row["backbone"]))
    negative, positive = classes_of(arm)
    files = ", ".join(f"`{path.name}`" for path in weights)
    numbers = read_metrics(paths.METRICS / f"{arm}.json")
    parts = (
        _front_matter(LICENCES[False], "pytorch", "image-classification", tags),
        f"# Classifier {row['name']}",
        f"Tells {negative}, the negative class, from {positive}, the positive one. It was trained\n"
        f"on these images: {row['trained_on']}. Its probability is the mean over\n{files}.",
        f"```console\nsrgan-ab classify photo.jpg --arm {arm}\n```",
        "That works in the folder which holds `models/` and `params.yaml`.",
        _made(weights[0]),
        f"## Numbers\n\nOf `{paths.METRICS}/{arm}.json`, on the real test images of its run:",
        f"{_row(SCORES.values())}\n{'|---' * len(SCORES)}|\n"
        f"{_row(_cell(numbers.get(score)) for score in SCORES)}",
        "## Limits and terms\n\nIt knows two classes, and takes every picture for one of them.",
        UNLICENSED,
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _front_matter(licence: str, library: str, task: str, tags: Iterable[str]) -> str:
    lines = [
        f"license: {licence}",
        f"library_name: {library}",
        f"pipeline_tag: {task}",
        "tags:",
        *(f"  - {tag}" for tag in dict.fromkeys(tags)),
    ]
    return "\n".join(("---", *lines, "---"))


def _usage(form: str, file: str, name: str, scale: int) -> str:
    said = facts(name, "", scale)
    stored = "as they are stored" if form == "safetensors" else "in single precision"
    return (
        f"A generator that enlarges pictures {scale} times, exported by srgan-ab as {form}, its\n"
        f"weights {stored}.\n\n- Input `{said['input']}`\n- Output `{said['output']}`\n\n"
        f"```python\n{USES[form].format(file=file)}\n```"
    )


def _shipped_card(name: str) -> str:
    """The card without its title and without links to files that do not lie beside this one."""
    text = (DIRECTORY / f"{name}.md").read_text("utf-8")
    text = re.sub(r"\A# .*\n+", "", text)
    return re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]+\)", r"\1", text).strip()


def _made(weights: Path) -> str:
    made = facts_of_weights(weights)
    lines = [f"| {key} | {value} |" for key, value in sorted(made.items()) if key != "kind"]
    if not lines:
        return ""
    return "## How it was made\n\nThe file of its weights says this:\n\n| | |\n|---|---|\n" + (
        "\n".join(lines)
    )


def _measured(weights: Path) -> str:
    """The row of `metrics/sr.json`, if the weights are those of the run in the current folder."""
    of_the_run = {"srresnet": paths.SRRESNET, "perceptual": paths.PERCEPTUAL}
    of_the_run |= {"srgan": paths.GENERATOR, "task": paths.TASK}
    metrics = paths.METRICS / "sr.json"
    for method, path in of_the_run.items():
        if metrics.is_file() and path.resolve() == weights.resolve():
            test = read_metrics(metrics).get("test", {})
            rows = [
                f"| {row} | {' | '.join(_cell(test.get(row, {}).get(key)) for key in NUMBERS)} |"
                for row in ("bicubic", method)
            ]
            head = f"| | {' | '.join(NUMBERS.values())} |\n|{'---|' * (1 + len(NUMBERS))}"
            return f"## Numbers\n\nOf `{metrics}`, on the test images of its run:\n\n" + (
                "\n".join((head, *rows))
            )
    return "## Numbers\n\nNone were at hand: `srgan-ab benchmark` measures them."


def _cell(number: float | None) -> str:
    return "" if number is None else f"{number:.3f}"


def _limits() -> str:
    return (
        "## Limits and terms\n\n"
        "It is as good as its training: pictures unlike those that it has seen, with noise or\n"
        "JPEG blocks for one, may come out worse. An SRGAN invents texture.\n\n"
        f"{UNLICENSED}"
    )
