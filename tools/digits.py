"""Write two classes of a public set as picture files: docs/your_own_data.md is tried with them.

    python tools/digits.py digits

They are the handwritten threes and eights of the Optical Recognition of Handwritten Digits data set
(UCI, licence CC BY 4.0), which scikit-learn brings: 8×8 pixels, enlarged here to 32×32.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

CLASSES = {3: "three", 8: "eight"}
SIDE = 32  # pixels
LARGEST = 16  # of a value in the set


def main() -> None:
    """Write FOLDER/three and FOLDER/eight."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    digits: Any = load_digits()
    for target, name in CLASSES.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        pictures = digits.images[digits.target == target]  # (N, 8, 8), 0 to 16
        for number, picture in enumerate(np.round(pictures * (255 / LARGEST)).astype(np.uint8)):
            large = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            large.save(folder / name / f"{number:03}.png")
        print(f"{folder / name}: {len(pictures)} pictures")


if __name__ == "__main__":
    main()
