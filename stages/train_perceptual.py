"""Train the generator from SRResNet as SRGAN is trained, without the discriminator.

What SRGAN is more than this generator is owed to its adversarial term. With `srgan.folds` above 1,
again from each SRResNet that was trained without a fold, without that fold. Where `controls.p` is
false nothing is trained. A training that was stopped goes on where it stood when it is run again.
"""

from pathlib import Path

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def train_perceptual(params: Params, directory: Path) -> None:
    from srgan_ab.common import paths
    from srgan_ab.srgan.left_out import leave_generator_out

    if not params.controls.p:
        leave_generator_out(paths.PERCEPTUAL, "train_perceptual", "perceptual")
        return

    from srgan_ab.quality.image_quality import load_lpips, measure  # torch takes seconds to import
    from srgan_ab.srgan.outputs import train_perceptual_and_write
    from srgan_ab.srgan.trainings import prepare_trainings

    train_perceptual_and_write(prepare_trainings(params, directory, load_lpips, measure))


if __name__ == "__main__":
    run(train_perceptual, resumable=True)
