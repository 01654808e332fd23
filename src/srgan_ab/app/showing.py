"""What `srgan-ab demo` shows, without the page: versions of a picture, verdicts, numbers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from srgan_ab.app import info
from srgan_ab.app.classify import AS_IT_IS, enlargers, squares_of, verdicts, versions
from srgan_ab.app.networks import arms_here, classes_of
from srgan_ab.app.originals import read_original
from srgan_ab.app.tables import Row
from srgan_ab.classifier.prediction import load_classifiers, predict
from srgan_ab.common import paths
from srgan_ab.common.arms import ARM_NAMES, DOMAINS
from srgan_ab.common.errors import UserError
from srgan_ab.common.params import load
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.shipped import DIRECTORY, SHIPPED, weights_of
from srgan_ab.data.packing import BICUBIC, downscale
from srgan_ab.data.rendering.synthetic import render
from srgan_ab.srgan.enlarging import enlarge, enlarged_size
from srgan_ab.srgan.generation import METHODS, WEIGHTS
from srgan_ab.srgan.generator import Generator, load_generator

SCALE = 4  # of the page, whatever that of a generator
LARGEST = 256  # pixels of a side of what is enlarged: seconds for each generator, on two cores
ORIGINAL, LR = "original", "LR"
EXAMPLES, EXAMPLE_SIDE = ((0, 0), (1, 1), (0, 6), (1, 7)), 160  # class and number of each
EXAMPLE_SEED = 2026  # another than that of params.yaml, whose pictures networks are trained on
ONE_FRAME = "give a picture of one frame or page"

Step = Callable[[str], object]


@dataclass
class Versions:
    """One picture in every version, all of one size.

    Attributes:
        pictures: by what each is called; `LR` is enlarged by whole pixels, so that it shows as
            what it is.
        notes: sentences on what was done to the picture before.
    """

    pictures: dict[str, Image.Image]
    notes: list[str]


@dataclass
class Enlargers:
    """The generators at hand, each loaded when it is first needed, and kept.

    Attributes:
        runtime: where to compute.
        files: of weights, by name.
    """

    runtime: Runtime
    files: dict[str, Path]
    loaded: dict[str, Generator] = field(default_factory=dict)

    def enlarge(self, name: str, image: Image.Image) -> Image.Image:
        """Enlarge a picture four times.

        Raises:
            UserError: the weights are missing or damaged.
        """
        if name not in self.loaded:
            self.loaded[name] = load_generator(self.files[name], self.runtime.device)
        return enlarge(self.loaded[name], image, self.runtime, SCALE)


def generators_here() -> dict[str, Path]:
    """Files of weights: of the run in the current folder, then those that come with the project."""
    of_run = {
        f"{DOMAINS[domain]} of this run": WEIGHTS[domain]
        for domain in reversed(METHODS.values())  # SRGAN first
        if domain in WEIGHTS and WEIGHTS[domain].is_file()
    }
    shipped = {
        name: weights_of(name) for name in SHIPPED if (DIRECTORY / f"{name}.safetensors").is_file()
    }
    return of_run | shipped


def enlarged_versions(
    data: bytes,
    name: str,
    reduced: bool,
    by: Enlargers,
    on_step: Step = lambda called: None,
) -> Versions:
    """A picture as LR, and enlarged by bicubic interpolation and by each generator.

    Args:
        data: the file's bytes.
        name: of the file, for sentences.
        reduced: whether LR is the picture made a quarter as large, as the pipeline makes it, or
            the picture itself.
        by: the generators.
        on_step: receives the name of what is computed next.

    Raises:
        UserError: the file is no picture, is damaged, has several frames or too few pixels.
    """
    image = read_original(data, name, mend=ONE_FRAME).image
    notes: list[str] = []
    original, side = image, LARGEST * SCALE if reduced else LARGEST
    if max(image.size) > side:
        original = _middle(image, side)
        notes.append(
            f"{name} has {image.width}×{image.height} pixels; its middle is enlarged, "
            f"{original.width}×{original.height} of them."
        )
    if reduced and min(original.size) < SCALE:
        raise UserError(f"{name} has fewer than {SCALE} pixels a side: show it enlarged as it is")
    if reduced:
        # whole LR pixels alone, so that versions lie on each other
        width, height = (length // SCALE * SCALE for length in original.size)
        original = original.crop((0, 0, width, height))
    lr = downscale(original, SCALE) if reduced else original
    size = enlarged_size(lr.size, SCALE)
    pictures = {ORIGINAL: original} if reduced else {}
    pictures[LR] = lr.resize(size, Image.Resampling.NEAREST)
    pictures["bicubic"] = lr.resize(size, BICUBIC)
    for called in by.files:
        on_step(called)
        pictures[called] = by.enlarge(called, lr)
    return Versions(pictures, notes)


def _middle(image: Image.Image, side: int) -> Image.Image:
    width, height = (min(length, side) for length in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def shown_arms() -> list[str]:
    """A and B, as far as the run in the current folder has them."""
    try:
        return [arm for arm in arms_here([]) if arm in ("a", "b")]
    except UserError:  # no run has finished here
        return []


def resolutions(data: bytes, name: str, runtime: Runtime) -> list[Row]:
    """What A and B take a picture for, as it is and made smaller and enlarged again.

    Args:
        data: the file's bytes.
        name: of the file, for sentences.
        runtime: where to compute.

    Returns:
        A row for `images.hr` pixels, and for a half, a quarter and an eighth of them one for each
        way to enlarge them again; a cell for each classifier. Nothing where there is no classifier.

    Raises:
        UserError: the file is no picture, or the run's files are missing or damaged.
    """
    arms = shown_arms()
    if not arms:
        return []
    images = load(paths.PARAMS).images
    squares = squares_of(data, name, images)
    networks = {arm: load_classifiers(paths.classifier(arm), runtime.device) for arm in arms}
    found = enlargers(images.hr, runtime)
    ways = {method: found[method] for method in ("bicubic", "srgan") if method in found}
    rows: list[Row] = []
    for part in (1, 2, 4, 8):
        small = images.hr // part
        made = versions(squares, small if part > 1 else None, ways)
        for method, pixels in made.items():
            if (method == AS_IT_IS) == (part == 1):
                called = "" if part == 1 else DOMAINS[METHODS[method]]
                cells = {
                    ARM_NAMES[arm]: _verdict(predict(networks[arm], pixels, runtime).mean(0), arm)
                    for arm in arms
                }
                rows.append({"pixels": small, "enlarged_by": called} | cells)
    return rows


def _verdict(chances: np.ndarray, arm: str) -> str:
    """The class of one picture, of whose crops these are the probabilities, and how sure it is."""
    (row,) = verdicts([""] * len(chances), chances.tolist(), {}, classes_of(arm))
    chance = float(row["probability"] or 0)
    sure = chance if row["class"] == row["positive"] else 1 - chance
    return f"{row['class']} ({100 * sure:.0f} %)"


def numbers_of_the_run() -> dict[str, list[Row]]:
    """Tables of the run in the current folder, by their titles; those without a row are left out.

    Raises:
        UserError: a file of the run is damaged.
    """
    of = {
        "Classifiers, on real test images": _columns(
            info.classifiers(), ("name", "trained_on", "accuracy", "f1", "roc_auc", "log_loss")
        ),
        "Generators, on test images": _columns(
            info.generators(), ("name", "psnr_rgb", "psnr_y", "ssim_y", "lpips")
        ),
    }
    return {title: rows for title, rows in of.items() if rows}


def _columns(rows: Sequence[Row], wanted: Sequence[str]) -> list[Row]:
    """Those of the wanted columns that have a value."""
    filled = [key for key in wanted if any(row.get(key) is not None for row in rows)]
    return [{key: row.get(key) for key in filled} for row in rows]


def examples() -> Iterator[tuple[str, Image.Image]]:
    """Name and pixels of rendered pictures that no run with another seed has seen."""
    labels, numbers = np.array(EXAMPLES).T
    pictures = render(labels, numbers, EXAMPLE_SEED, EXAMPLE_SIDE)
    for label, number, picture in zip(labels, numbers, pictures, strict=True):
        yield f"{('cat', 'dog')[label]}-{number + 1}", Image.fromarray(picture)
