"""Decide once which image trains, validates and tests.

Images that show the same picture (equal files, equal pixels, or near-duplicates by perceptual
hash and thumbnail, straight or mirrored) form a group, and a group is never divided. Classes are
divided alike. Rejected images are left out; small ones too with `split.flagged: drop`.
"""

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def split(params: Params) -> None:
    from srgan_ab.common import paths
    from srgan_ab.common.files import atomic_file, open_zip, write_metrics
    from srgan_ab.data.duplicates import duplicate_groups
    from srgan_ab.data.splitting import images_in_use, split_metrics, split_table

    images = images_in_use(params.split.flagged)
    with open_zip(paths.RAW) as read:
        images["group"] = duplicate_groups(
            images, read, params.split.hash_distance, params.split.correlation
        )
    table = split_table(
        images,
        params.data.classes,
        test=params.split.test,
        validation=params.split.validation,
        seed=params.seed,
    )
    with atomic_file(paths.SPLIT) as temporary:
        table.to_csv(temporary, index=False)
    write_metrics(paths.METRICS / "split.json", split_metrics(table))


if __name__ == "__main__":
    run(split)
