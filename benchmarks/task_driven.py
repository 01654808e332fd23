"""A generator and a classifier trained for each other, beside the arms of a run: S+T and SR4IR.

    python benchmarks/task_driven.py run           # each that has no result yet
    python benchmarks/task_driven.py run sr4ir     # this one
    python benchmarks/task_driven.py table         # the advice for small images, with both

It starts from a finished run in the current folder: the generator from its SRResNet, the classifier
from the weights that its arms start from; as many updates of the classifier as an arm's, and the
networks of the lowest validation loss. Weights and results go to task_driven/; docs/task_driven.md
says what each is.
"""

import sys
from typing import Annotated

from srgan_ab.common import paths, portable

portable.pin(paths.PARAMS)  # before anything loads NumPy or torch, as stages do

# ruff: noqa: E402
from pathlib import Path

import numpy as np
import typer
from comparing import above, accuracy
from joint import Pair, fit
from repeats import Run

from srgan_ab.accelerate.networks import accelerate
from srgan_ab.common.arms import DOMAINS, Subject
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import read_metrics, write_csv, write_metrics
from srgan_ab.common.packs import open_pack, open_packs, require_two_classes
from srgan_ab.common.tensors import IMAGENET_MEAN, IMAGENET_STD
from srgan_ab.common.weights import load_network, save_weights
from srgan_ab.srgan.generator import Generator
from srgan_ab.statistics.advice import options
from srgan_ab.statistics.predictions import Predictions

RESULTS = Path("task_driven")
GENERATOR_RATE = 1e-4  # of SR4IR
PROTOCOLS = {"joint": "S+T", "sr4ir": "SR4IR"}

app = typer.Typer(add_completion=False, help=__doc__, rich_markup_mode=None)


@app.command()
def run(names: Annotated[list[str] | None, typer.Argument(help="joint, sr4ir")] = None) -> None:
    """Train, those that have no result yet."""
    here = Run.here()
    for name in names or PROTOCOLS:
        if name not in PROTOCOLS:
            raise UserError(f"{name} is none of these: {', '.join(PROTOCOLS)}")
        for replicate in range(here.params.classifier.replicates):
            if names or not (_place(name, replicate) / "test.json").exists():
                typer.echo(f"{PROTOCOLS[name]}, network {replicate}")
                _train(here, name, replicate)


def _place(name: str, replicate: int) -> Path:
    return RESULTS / f"{name}_{replicate}"


def _train(here: Run, name: str, replicate: int) -> None:
    """One pair, from the first weights of an arm's replicate; write its weights and results."""
    settings, updates = here.params.classifier, here.updates_per_epoch
    train, validation, test = open_packs("train", "val", "test")
    require_two_classes(train, here.params.data.classes)
    seed, classifier = here.first_network(replicate)
    generator = load_network(paths.SRRESNET, "generator", Generator)
    pair = Pair(
        accelerate(generator, here.runtime.device),
        classifier,
        name == "sr4ir",
        here.params.task.layer,
        here.params.images.hr,
        settings,
        GENERATOR_RATE,
        settings.epochs * updates,
        here.runtime,
        seed,
    )
    history = fit(pair, train, validation, updates)
    place = _place(name, replicate)
    place.mkdir(parents=True, exist_ok=True)
    architecture = here.params.srgan.generator.architecture(train.scale)
    save_weights(place / "generator.safetensors", pair.generator, architecture, "generator")
    classifies = {
        "backbone": settings.backbone,
        "classes": here.params.data.classes,
        "normalisation": {"mean": IMAGENET_MEAN, "std": IMAGENET_STD},
    }
    save_weights(place / "classifier.safetensors", pair.classifier, classifies, "classifier")
    write_csv(place / "history.csv", history.round(5))
    probabilities = pair.probabilities(test.lr).tolist()  # last: what has it is not made again
    write_metrics(place / "test.json", {"probabilities": probabilities})


@app.command()
def table() -> None:
    """Print what each way to use small images gives."""
    params = Run.here().params
    made = Predictions.load(paths.PREDICTIONS, params.data.classes, None, None)
    probabilities = dict(made.probabilities)
    for name in PROTOCOLS:
        files = [_place(name, n) / "test.json" for n in range(params.classifier.replicates)]
        if all(file.exists() for file in files):
            rows = [read_metrics(file, "probabilities")["probabilities"] for file in files]
            probabilities[name, "own"] = np.array(rows)
    predictions = Predictions.of(open_pack("test"), probabilities)
    typer.echo(
        f"{len(predictions.labels)} test images, {predictions.replicates} networks each; real HR "
        f"images by A: {accuracy(predictions, ('a', 'hr'))}\n\n"
        "| small images, enlarged | by A as it is | by networks trained on them "
        "| above C (95 % interval); each network |\n"
        "|---|---|---|---|"
    )
    matrix = {arm: {d: {} for a, d in made.probabilities if a == arm} for arm in made.arms}
    ways = [(DOMAINS[o.domain], o.as_it_is, o.retrained) for o in options(matrix)]
    ways += [(f"{says}, both trained", None, (name, "own")) for name, says in PROTOCOLS.items()]
    for says, *subjects in ways:
        cells = [accuracy(predictions, s) if s in probabilities else "" for s in subjects]
        cells.append(_above_c(predictions, subjects[1], params.seed))
        if any(cells):
            typer.echo(f"| {' | '.join((says, *cells))} |")


def _above_c(predictions: Predictions, subject: Subject | None, seed: int) -> str:
    """How far networks are above those that bicubic images trained, where there are both."""
    c, known = ("c", "bicubic"), predictions.probabilities
    if subject is None or subject == c or subject not in known or c not in known:
        return ""
    return above(predictions, subject, c, seed)


if __name__ == "__main__":
    try:
        app()
    except UserError as error:
        sys.exit(f"task_driven: {error}")
