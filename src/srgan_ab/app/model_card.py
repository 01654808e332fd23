"""The card of an exported generator, with the front matter that Hugging Face reads."""

import re
from pathlib import Path

from srgan_ab.app.exporting import facts
from srgan_ab.app.networks import facts as facts_of_weights
from srgan_ab.common import paths
from srgan_ab.common.files import read_metrics
from srgan_ab.common.scale import SCALE
from srgan_ab.common.shipped import DIRECTORY, SHIPPED

LIBRARIES = {"onnx": "onnx", "torch": "pytorch", "safetensors": "safetensors"}
LICENCES = {True: "mit", False: "unknown"}  # of shipped generators, and of others
BASE = "faithful"  # whose card those of the other shipped ones refer to
NUMBERS = {"psnr_rgb": "PSNR RGB", "psnr_y": "PSNR Y", "ssim_y": "SSIM Y", "lpips": "LPIPS"}
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
    parts = [_front_matter(model, form), f"# {name}, ×{SCALE}", _usage(form, file, name)]
    if model in SHIPPED:
        parts += [f"## How it was made\n\n{_shipped_card(model)}"]
        if model != BASE:
            parts += [f"## The card of `{BASE}`\n\n{_shipped_card(BASE)}"]
    else:
        parts += [_made(weights), _measured(weights), _limits()]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front_matter(model: str, form: str) -> str:
    tags = ("super-resolution", "image-upscaling", "srgan", form)
    lines = [
        f"license: {licence(model)}",
        f"library_name: {LIBRARIES[form]}",
        "pipeline_tag: image-to-image",
        "tags:",
        *(f"  - {tag}" for tag in dict.fromkeys(tags)),
    ]
    return "\n".join(("---", *lines, "---"))


def _usage(form: str, file: str, name: str) -> str:
    said = facts(name, "")
    stored = "as they are stored" if form == "safetensors" else "in single precision"
    return (
        f"A generator that enlarges pictures {SCALE} times, exported by srgan-ab as {form}, its\n"
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
    of_the_run["srgan"] = paths.GENERATOR
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
        "The licence of these weights is not stated: ask who trained them, and mind the terms of\n"
        "the pictures."
    )
