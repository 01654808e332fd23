"""`data/predictions.csv`: the probability of every test image under every arm and test domain."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_file
from srgan_ab.common.packs import DOMAINS

ARMS = ("a", "b", "b_plus", "c", "c_plus", "r")
KEY = ["arm", "domain", "replicate"]

Subject = tuple[str, str]  # (arm, domain): a classifier, and what it was tested on


@dataclass(frozen=True)
class Predictions:
    """What every classifier says of the same test images, in the same order.

    Attributes:
        ids: (N,) of str.
        groups: (N,) number of the group of near-duplicates that an image belongs to.
        labels: (N,) int: 1 is the positive class, the second of `data.classes`.
        probabilities: (arm, domain) to (replicates, N) in [0, 1], of the positive class.
    """

    ids: np.ndarray
    groups: np.ndarray
    labels: np.ndarray
    probabilities: dict[Subject, np.ndarray]

    def save(self, path: Path, classes: Sequence[str]) -> None:
        """Write one row per image, arm, domain and replicate; labels as class names."""
        images = pd.DataFrame(
            {"id": self.ids, "group": self.groups, "label": np.array(classes)[self.labels]}
        )
        tables = [
            images.assign(arm=arm, domain=domain, replicate=replicate, probability=row)
            for (arm, domain), rows in self.probabilities.items()
            for replicate, row in enumerate(rows)
        ]
        with atomic_file(path) as temporary:  # pandas writes what reads back to the same float
            pd.concat(tables).to_csv(temporary, index=False, lineterminator="\n")

    @classmethod
    def load(cls, path: Path, classes: Sequence[str]) -> "Predictions":
        """Read what `save` wrote.

        Raises:
            UserError: arms or domains are missing, or were not tested on the same images.
        """
        table = pd.read_csv(
            path,
            dtype={"id": str, "label": str},
            keep_default_na=False,  # a class may be called "None"
            float_precision="round_trip",
        )
        blocks = {key: block for key, block in table.groupby(KEY, sort=False)}
        first = next(iter(blocks.values()))
        same = all(block["id"].array.equals(first["id"].array) for block in blocks.values())
        replicates = table["replicate"].max() + 1
        wanted = [(a, d, r) for a in ARMS for d in DOMAINS for r in range(replicates)]
        if not same or set(blocks) != set(wanted):
            raise UserError(
                f"{path} does not hold the same test images for every arm and domain: "
                "run `dvc repro evaluate` again"
            )
        return cls(
            ids=first["id"].to_numpy(),
            groups=first["group"].to_numpy(),
            labels=(first["label"] == classes[1]).to_numpy().astype(int),
            probabilities={
                (a, d): np.stack([blocks[a, d, r]["probability"] for r in range(replicates)])
                for a in ARMS
                for d in DOMAINS
            },
        )
