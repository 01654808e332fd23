"""Trains classifier B on the images that SRGAN generated, by A's recipe."""

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def train_b(params: Params) -> None:
    from srgan_ab.classifier.arms import train_arm

    train_arm("b", params)


if __name__ == "__main__":
    run(train_b)
