"""Check params.yaml as a whole, and that this machine has what only late stages would miss.

DVC removes a stage's outputs before it runs the stage's command. All stages come after this one, so
what it refuses costs nothing. `make repro` runs it always, `dvc repro` when another section of
params.yaml than `runtime` has changed.
"""

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def check(params: Params) -> None:
    from pathlib import Path

    from srgan_ab.common import paths
    from srgan_ab.common.addresses import is_bucket, require_s3
    from srgan_ab.common.errors import UserError
    from srgan_ab.common.files import write_text
    from srgan_ab.common.rules import TIMM

    path = params.data.path
    if params.data.source in ("folder", "archive") and path and is_bucket(path):
        require_s3(path)
    for folder in params.benchmarks.paths:
        if not Path(folder).is_dir():
            raise UserError(f"benchmarks.paths: {folder} is no folder: mend it, or leave it out")
    if params.runtime.device in ("cuda", "mps"):
        from srgan_ab.common.runtime import prepare  # torch takes seconds to import

        prepare(params.runtime, params.seed)
    if params.srgan.generator.initial != "none":
        from srgan_ab.common.initial import read_initial

        read_initial(params.srgan.generator, params.images.scale)
    if params.classifier.backbone.startswith(TIMM):
        from srgan_ab.common.timm_networks import of_timm

        of_timm(params.classifier.backbone)
    write_text(paths.CHECKED, "params.yaml is as it should be\n")


if __name__ == "__main__":
    run(check)
