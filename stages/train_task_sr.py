"""Train a generator from SRResNet as SRGAN is trained, with a loss of classifier A's features.

What this generator is more than SRGAN is owed to A, which stands still. With `srgan.folds` above 1,
again from each SRResNet that was trained without a fold, without that fold. Where `controls.t` is
false nothing is trained. A training that was stopped goes on where it stood when it is run again.
"""

from pathlib import Path

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def train_task_sr(params: Params, directory: Path) -> None:
    from srgan_ab.common import paths
    from srgan_ab.srgan.left_out import leave_generator_out

    if not params.controls.t:
        leave_generator_out(paths.TASK, "train_task_sr", "task")
        return

    from srgan_ab.classifier.prediction import load_classifiers  # torch takes seconds to import
    from srgan_ab.quality.image_quality import load_lpips, measure
    from srgan_ab.srgan.outputs import train_task_and_write
    from srgan_ab.srgan.trainings import prepare_trainings

    trainings = prepare_trainings(params, directory, load_lpips, measure)
    classifiers = load_classifiers(paths.classifier("a"), trainings.runtime.device)
    train_task_and_write(trainings, classifiers, params.task)


if __name__ == "__main__":
    run(train_task_sr, resumable=True)
