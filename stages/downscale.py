"""Decode every image once and pack it: HR squares and the LR images made from them."""

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def downscale(params: Params) -> None:
    import sys

    import numpy as np

    from srgan_ab.common import paths
    from srgan_ab.common.bars import bar
    from srgan_ab.common.files import atomic_directory, open_zip
    from srgan_ab.common.packs import SPLITS, open_pack, read_split
    from srgan_ab.common.pictures import contact_sheet, save_png
    from srgan_ab.data.packing import write_pack

    table = read_split()
    small = 0
    progress = bar(total=len(table), label="downscale", unit="image")
    with open_zip(paths.RAW) as read, progress:
        for split in SPLITS:
            rows = table[table["split"] == split]
            with atomic_directory(paths.pack(split)) as directory:
                small += write_pack(
                    directory, rows, read, params.images, params.runtime.workers, progress.update
                )
    if small:
        print(f"downscale: {small} images smaller than a crop are left out", file=sys.stderr)

    train = open_pack("train")
    shown = np.linspace(0, len(train) - 1, 8).round().astype(int).reshape(4, 2)
    sheet = contact_sheet(
        [[image for n in row for image in (train.lr[n], train.hr[n])] for row in shown],
        columns=["LR", "HR"] * 2,
    )
    save_png(sheet, paths.PLOTS / "lr_hr.png")


if __name__ == "__main__":
    run(downscale)
