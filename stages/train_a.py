"""Trains classifier A on real HR images; of photographs without classes it leaves A out.

A training that was stopped goes on where it stood when it is run again.
"""

from pathlib import Path

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def train_a(params: Params, directory: Path) -> None:
    from srgan_ab.classifier.arms import train_arm, write_transformed
    from srgan_ab.classifier.left_out import leave_arm_out

    if params.data.classes:
        train_arm("a", params, directory)
    else:  # stages that make images come after this one, and do without A
        leave_arm_out("a")
    write_transformed(params)


if __name__ == "__main__":
    run(train_a, resumable=True)
