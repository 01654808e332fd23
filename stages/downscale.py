"""Decode every image once and pack it: HR squares and the LR images made from them."""

import _bootstrap  # noqa: F401

from srgan_ab.common.stage import run


def downscale(params):
    import sys
    import zipfile

    import numpy as np
    import pandas as pd
    from tqdm import tqdm

    from srgan_ab.common import paths
    from srgan_ab.common.files import atomic_directory
    from srgan_ab.common.packs import SPLITS, open_pack
    from srgan_ab.common.pictures import contact_sheet, save_png
    from srgan_ab.data.packing import write_pack

    table = pd.read_csv(
        paths.SPLIT, dtype={"id": str, "path": str, "label": str}, keep_default_na=False
    )
    small = 0
    with zipfile.ZipFile(paths.RAW) as archive, tqdm(total=len(table), unit=" images") as bar:
        for split in SPLITS:
            rows = table[table["split"] == split]
            with atomic_directory(paths.pack(split)) as directory:
                small += write_pack(
                    directory, rows, archive, params.images, params.runtime.workers, bar.update
                )
    if small:
        print(f"downscale: {small} images smaller than a crop are left out", file=sys.stderr)

    train = open_pack("train")
    shown = np.linspace(0, len(train) - 1, 8).round().astype(int).reshape(4, 2)
    sheet = contact_sheet(
        [[image for n in row for image in (train.lr[n], train.hr[n])] for row in shown],
        columns=["LR", "HR"] * 2,
        cell=params.images.hr,
    )
    save_png(sheet, paths.PLOTS / "lr_hr.png")


if __name__ == "__main__":
    run(downscale)
