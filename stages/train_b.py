"""Trains classifier B on the images that SRGAN generated, by A's recipe.

A training that was stopped goes on where it stood when it is run again.
"""

from pathlib import Path

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def train_b(params: Params, directory: Path) -> None:
    from srgan_ab.classifier.arms import train_arm

    train_arm("b", params, directory)


if __name__ == "__main__":
    run(train_b, resumable=True)
