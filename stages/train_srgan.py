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
    from srgan_ab.common import paths
    from srgan_ab.common.checkpoints import Checkpoints
    from srgan_ab.common.runtime import prepare
    from srgan_ab.quality.image_quality import load_lpips, measure
    from srgan_ab.srgan.outputs import train_srgan_and_write
    from srgan_ab.srgan.trainings import Trainings

    seed = params.seed if params.srgan.seed is None else params.srgan.seed
    runtime = prepare(params.runtime, seed)
    lpips = load_lpips(paths.pretrained("lpips"), runtime.device)
    train_srgan_and_write(
        Trainings(
            params.srgan,
            seed,
            runtime,
            measure=lambda sr, hr: measure(sr, hr, lpips, runtime.device),
            lpips=lpips,
            checkpoints=Checkpoints(directory, runtime),
        )
    )


if __name__ == "__main__":
    run(train_srgan, resumable=True)
