"""Trains one control arm by A's recipe, or leaves it out if `controls` does not ask for it.

b_plus: HR and SR. c: bicubic. c_plus: HR and bicubic. r: SRResNet. p: SRGAN's training
without its adversarial term. t: that training with a loss of A's features. A training that was
stopped goes on where it stood.
"""

from pathlib import Path

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def train_controls(params: Params, arm: str, directory: Path) -> None:
    if not getattr(params.controls, arm):
        from srgan_ab.classifier.left_out import leave_arm_out

        leave_arm_out(arm)
        return

    from srgan_ab.classifier.arms import train_arm  # torch takes seconds to import

    train_arm(arm, params, directory)


if __name__ == "__main__":
    run(train_controls, item="arm", resumable=True)
