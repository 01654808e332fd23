"""Trains classifier A on real HR images; of photographs without classes it leaves A out.

A training that was stopped goes on where it stood when it is run again.
"""

from pathlib import Path

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def train_a(params: Params, directory: Path) -> None:
    from srgan_ab.classifier.arms import leave_out, train_arm, write_transformed

    if params.data.classes:
        train_arm("a", params, directory)
        write_transformed(params)
    else:  # stages that make images come after this one, and do without A
        leave_out("a")
        show_transformed(params)


def show_transformed(params: Params) -> None:
    """What augmentation does, shown on images that have no classes."""
    from srgan_ab.classifier.augmentation import transformed_sheet
    from srgan_ab.common import paths
    from srgan_ab.common.packs import open_pack
    from srgan_ab.common.pictures import save_png
    from srgan_ab.common.seeds import seed_for

    images, chance = open_pack("train").hr[:8], seed_for("transformed.png", params.seed)
    sheet = transformed_sheet(images, [""] * len(images), params.classifier.augmentation, chance)
    save_png(sheet, paths.PLOTS / "transformed.png")


if __name__ == "__main__":
    run(train_a, resumable=True)
