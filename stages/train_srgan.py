"""Train SRResNet on a pixel loss, then SRGAN from it; keep both generators.

With `srgan.folds` above 1, again for each fold of the training images, without that fold.
Pictures of the validation set show the generator at the snapshot epochs. A training that was
stopped goes on where it stood when it is run again.
"""

from pathlib import Path

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def train_srgan(params: Params, directory: Path) -> None:
    from srgan_ab.quality.image_quality import load_lpips, measure
    from srgan_ab.srgan.outputs import train_srgan_and_write
    from srgan_ab.srgan.trainings import prepare_trainings

    train_srgan_and_write(prepare_trainings(params, directory, load_lpips, measure))


if __name__ == "__main__":
    run(train_srgan, resumable=True)
