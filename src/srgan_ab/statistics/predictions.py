"""Probability of every image under every arm and domain: the one artefact behind all numbers.

`data/predictions.csv` holds the test images in every domain, `data/predictions_val.csv` the
validation images on real HR, by which probabilities are calibrated.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from srgan_ab.common.arms import ARMS, DOMAINS, Subject
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_file, damaged, read_csv
from srgan_ab.common.packs import Pack

KEY = ["arm", "domain", "replicate"]
COLUMNS = {
    **{"id": str, "group": int, "flagged": int, "label": str},
    **{"arm": str, "domain": str, "replicate": int, "probability": float},
}


@dataclass(frozen=True)
class Predictions:
    """What every classifier says of the same images, in the same order.

    Attributes:
        ids: (N,) of str.
        groups: (N,) number of the group of near-duplicates that an image belongs to.
        flagged: (N,) bool: the original is smaller than an HR image.
        labels: (N,) int: 1 is the positive class, the second of `data.classes`.
        probabilities: (arm, domain) to (replicates, N) in [0, 1], of the positive class.
    """

    ids: np.ndarray
    groups: np.ndarray
    flagged: np.ndarray
    labels: np.ndarray
    probabilities: dict[Subject, np.ndarray]

    @classmethod
    def of(cls, pack: Pack, probabilities: dict[Subject, np.ndarray]) -> "Predictions":
        """Of the images of a pack."""
        return cls(
            ids=pack.index["id"].to_numpy(),
            groups=pack.index["group"].to_numpy(),
            flagged=pack.index["flagged"].to_numpy().astype(bool),
            labels=pack.labels,
            probabilities=probabilities,
        )

    @property
    def arms(self) -> tuple[str, ...]:
        """In the order in which they were predicted."""
        return tuple(dict.fromkeys(arm for arm, _ in self.probabilities))

    @property
    def replicates(self) -> int:
        """Networks per arm."""
        return len(next(iter(self.probabilities.values())))

    @property
    def independent(self) -> bool:
        """One network per arm, and no two images that are near-duplicates of each other."""
        return self.replicates == 1 and len(np.unique(self.groups)) == len(self.groups)

    def save(self, path: Path, classes: Sequence[str]) -> None:
        """Write one row per image, arm, domain and replicate; labels as class names."""
        images = pd.DataFrame(
            {
                "id": self.ids,
                "group": self.groups,
                "flagged": self.flagged.astype(int),
                "label": np.array(classes)[self.labels],
            }
        )
        tables = [
            images.assign(arm=arm, domain=domain, replicate=replicate, probability=row)
            for (arm, domain), rows in self.probabilities.items()
            for replicate, row in enumerate(rows)
        ]
        with atomic_file(path) as temporary:  # pandas writes what reads back to the same float
            pd.concat(tables).to_csv(temporary, index=False, lineterminator="\n")

    @classmethod
    def load(
        cls,
        path: Path,
        classes: Sequence[str],
        arms: Sequence[str] | None = ARMS,
        domains: Collection[str] | None = DOMAINS,
    ) -> "Predictions":
        """Read what `save` wrote.

        Args:
            path: of a CSV file, compressed or not.
            classes: names of class 0 and 1.
            arms: that it must have, and no other; None: those that it has.
            domains: the same.

        Raises:
            UserError: the file is missing or damaged, has other classes, or arms or domains are
                missing, or were not tested on the same images.
        """
        table = read_csv(path, COLUMNS)
        if table.empty:
            raise damaged(path, "it holds no images")
        if not table["label"].isin(classes).all():
            shown = [repr(name)[1:-1] for name in sorted(table["label"].unique())]
            more = " and others" if len(shown) > 2 else ""
            raise UserError(
                f"{path} has images of {' and '.join(shown[:2])}{more}, not of "
                f"{' and '.join(classes)}: name its classes, or delete it and run `dvc repro`, "
                "which makes it anew"
            )
        blocks = {key: block for key, block in table.groupby(KEY, sort=False)}
        first = next(iter(blocks.values()))
        same = all(block["id"].array.equals(first["id"].array) for block in blocks.values())
        replicates = table["replicate"].max() + 1
        arms = [a for a in ARMS if (table["arm"] == a).any()] if arms is None else arms
        if domains is None:
            domains = [d for d in DOMAINS if (table["domain"] == d).any()]
        wanted = [(a, d, r) for a in arms for d in domains for r in range(replicates)]
        if not same or set(blocks) != set(wanted):
            raise UserError(
                f"{path} does not hold the same images for every arm and domain: "
                "run `dvc repro evaluate` again"
            )
        return cls(
            ids=first["id"].to_numpy(),
            groups=first["group"].to_numpy(),
            flagged=first["flagged"].to_numpy().astype(bool),
            labels=(first["label"] == classes[1]).to_numpy().astype(int),
            probabilities={
                (a, d): np.stack([blocks[a, d, r]["probability"] for r in range(replicates)])
                for a in arms
                for d in domains
            },
        )
