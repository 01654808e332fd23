"""`srgan-ab classify`: what the classifiers of the run in this folder take a picture for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from srgan_ab.app.machine import Device, Precision, runtime_of
from srgan_ab.app.networks import arms_here, classes_of
from srgan_ab.app.tables import Form, Row, shown
from srgan_ab.common import paths
from srgan_ab.common.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from srgan_ab.common.runtime import Runtime
    from srgan_ab.common.schema import Images

AT_ONCE = 64  # pictures in memory
AS_IT_IS = "none"  # in the place of what a picture went through
THRESHOLD = 0.5  # as in statistics/classification.py, which takes long to import


def classify(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="Pictures, folders of them, or quoted globs."),
    ],
    arm: Annotated[
        list[str] | None,
        typer.Option(help="An arm such as a or b_plus; may be given again; default: all here."),
    ] = None,
    through: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Also what is thought of each picture after it was made so many pixels small and "
            "enlarged, by bicubic interpolation and by each generator of the run.",
        ),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Look through folders in folders.")
    ] = False,
    form: Annotated[Form, typer.Option("--format", help="Of what is printed.")] = "table",
    device: Device = "auto",
    precision: Precision = "fp32",
) -> None:
    """Classify pictures by the classifiers in models/ of this folder.

    Each picture is prepared as the pipeline prepares its own, by `images` of params.yaml. The
    probability is that of the positive class, the mean over an arm's replicates.

    \b
    srgan-ab classify cat.jpg
    srgan-ab classify -r photos --arm a --arm b --format csv > verdicts.csv
    srgan-ab classify cat.jpg --through 32
    """  # noqa: D301
    from srgan_ab.app.batch import conclude
    from srgan_ab.app.inputs import find
    from srgan_ab.classifier.prediction import load_classifiers, predict
    from srgan_ab.common.params import load

    arms = arms_here(arm or [])
    images = load(paths.PARAMS).images
    if through is not None and not images.hr / 8 <= through <= images.hr:
        raise UserError(
            f"--through is {through}: give {-(-images.hr // 8)} to {images.hr} pixels, an eighth "
            "of images.hr to all of it"
        )
    found, passed = find(inputs, recursive)
    for sentence in passed:
        typer.echo(sentence, err=True)
    runtime = runtime_of(device, precision)
    networks = {name: load_classifiers(paths.classifier(name), runtime.device) for name in arms}
    classes = {name: classes_of(name) for name in arms}
    larger = enlargers(images.hr, runtime) if through else {}

    rows: list[Row] = []
    failed: list[str] = []
    for names, squares in _squares([one.path for one in found], images, failed):
        for version, pixels in versions(squares, through, larger).items():
            for name in arms:
                chances = predict(networks[name], pixels, runtime).mean(0)
                went = {"through": version} if through else {}
                rows += verdicts(names, chances.tolist(), {"arm": name} | went, classes[name])
    picture = {str(one.path): n for n, one in enumerate(found)}
    rows.sort(key=lambda row: (picture[str(row["picture"])], arms.index(str(row["arm"]))))
    if rows or form != "table":
        typer.echo(shown(rows, form))
    conclude(len(found), failed)


def verdicts(
    names: Sequence[str], chances: Sequence[float], asked: dict[str, str], classes: Sequence[str]
) -> Iterator[Row]:
    """A row for each picture, the mean over its crops."""
    negative, positive = classes
    crops: dict[str, list[float]] = {}
    for name, chance in zip(names, chances, strict=True):
        crops.setdefault(name, []).append(chance)
    for name, of_it in crops.items():
        chance = sum(of_it) / len(of_it)
        verdict = positive if chance >= THRESHOLD else negative
        row = {"picture": name} | asked | {"class": verdict, "probability": chance}
        yield row | {"positive": positive}


def _squares(
    files: Sequence[Path], images: "Images", failed: list[str]
) -> Iterator[tuple[list[str], "list[Image.Image]"]]:
    """Pictures as HR squares, some at a time; a name comes as often as it has crops.

    Args:
        files: of the pictures.
        images: of params.yaml.
        failed: receives a sentence for each that cannot be used.
    """
    from srgan_ab.app.batch import explain

    names: list[str] = []
    squares: list[Image.Image] = []
    for file in files:
        try:
            found = squares_of(file.read_bytes(), str(file), images)
        except (UserError, OSError) as error:
            failed.append(explain(error, str(file)))
            continue
        names += [str(file)] * len(found)
        squares += found
        if len(squares) >= AT_ONCE:
            yield names, squares
            names, squares = [], []
    if squares:
        yield names, squares


def squares_of(data: bytes, name: str, images: "Images") -> "list[Image.Image]":
    """HR squares of one picture, as the pipeline makes its own.

    Args:
        data: the file's bytes.
        name: of the file, for sentences.
        images: of params.yaml.

    Raises:
        UserError: the file is no picture, is damaged, or too small for a crop.
    """
    from srgan_ab.data.decoding import Rejected
    from srgan_ab.data.packing import hr_images

    try:
        found = hr_images(data, images.hr, images.fit, images.crops_per_image)
    except Rejected as rejected:
        raise UserError(f"{name} cannot be read: {rejected}") from None
    if not found:
        raise UserError(f"{name} is smaller than images.hr = {images.hr}: give a larger one")
    return found


def enlargers(side: int, runtime: "Runtime") -> "dict[str, Callable[[Image.Image], Image.Image]]":
    """Functions that enlarge small squares to a side, by what they are called in `metrics`."""
    from srgan_ab.data.packing import BICUBIC
    from srgan_ab.srgan.enlarging import enlarge
    from srgan_ab.srgan.generation import METHODS, WEIGHTS
    from srgan_ab.srgan.generator import load_generator

    def by(path: Path):
        generator = load_generator(path, runtime.device)
        return lambda image: enlarge(generator, image, runtime, side / image.width)

    found: dict[str, Callable[[Image.Image], Image.Image]] = {
        "bicubic": lambda image: image.resize((side, side), BICUBIC)
    }
    for method, domain in METHODS.items():
        if domain in WEIGHTS and WEIGHTS[domain].exists():
            found[method] = by(WEIGHTS[domain])
    return found


def versions(
    squares: "list[Image.Image]",
    small: int | None,
    enlargers: "Mapping[str, Callable[[Image.Image], Image.Image]]",
) -> "dict[str, np.ndarray]":
    """(N, H, W, 3) uint8 of the squares as they are, and of what becomes of them."""
    import numpy as np

    from srgan_ab.data.packing import BICUBIC

    made = {AS_IT_IS: np.stack([np.asarray(square) for square in squares])}
    if small:
        less = [square.resize((small, small), BICUBIC) for square in squares]
        for method, larger in enlargers.items():
            made[method] = np.stack([np.asarray(larger(image)) for image in less])
    return made
