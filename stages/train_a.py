"""Trains classifier A on real HR images."""

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def train_a(params: Params) -> None:
    from srgan_ab.classifier.arms import train_arm, write_transformed

    train_arm("a", params)
    write_transformed(params)


if __name__ == "__main__":
    run(train_a)
