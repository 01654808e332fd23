"""How each arm was trained, written beside its weights: that arms are comparable is asserted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from srgan_ab.common import paths
from srgan_ab.common.arms import domains_of
from srgan_ab.common.errors import UserError
from srgan_ab.common.files import atomic_file, read_csv, read_metrics
from srgan_ab.common.schema import Params

# columns of a classifier's history, one row per epoch
HISTORY = ("epoch", "train_loss", "val_loss", "val_accuracy", "val_f1", "val_auc")


@dataclass(frozen=True)
class Record:
    """One arm's training.

    Attributes:
        recipe: the section `classifier` of the params.
        replicates: one per network: its `seed` and the `updates` that were made.
        examples: one row per image: `split` (`train`, or `val`), `domain`, `id` and `label`.
    """

    recipe: dict
    replicates: list[dict[str, int]]
    examples: pd.DataFrame

    def save(self, directory: Path) -> None:
        """Write `training.json`, which says how many examples there are, and `examples.csv`."""
        with atomic_file(directory / "training.json") as temporary:
            facts = {
                "recipe": self.recipe,
                "replicates": self.replicates,
                "examples": len(self.examples),
            }
            temporary.write_text(json.dumps(facts, indent=2) + "\n")
        with atomic_file(directory / "examples.csv") as temporary:
            self.examples.to_csv(temporary, index=False, lineterminator="\n")

    @classmethod
    def load(cls, directory: Path) -> "Record":
        """Read what `save` wrote.

        Raises:
            UserError: the directory holds no record, or a damaged one.
        """
        if not (directory / "training.json").exists():
            raise UserError(
                f"{directory} does not say how it was trained: run the stage that trains it again"
            )
        facts = read_metrics(directory / "training.json", "recipe", "replicates", "examples")
        examples = read_csv(
            directory / "examples.csv",
            {"split": str, "domain": str, "id": str, "label": int},
            rows=facts["examples"],
        )
        return cls(facts["recipe"], facts["replicates"], examples)


def check_comparable(
    records: Mapping[str, Record], domains: Mapping[str, Sequence[str]], sr_per_class: int | None
) -> None:
    """All arms were trained alike, on the same images of the domains that define them.

    Compared with `a` are the recipe (batch size, epochs, augmentation and all), the seeds, the
    updates made (unless `patience` lets arms stop early), and, domain by domain, ids and classes.

    Args:
        records: arm to record; `a` is among them.
        domains: arm to what it is trained on.
        sr_per_class: `b.per_class`: of SR images, b then has at most so many of each class.

    Raises:
        UserError: an arm differs, and in what.
    """
    reference = records["a"]
    early = reference.recipe["patience"] is not None

    def runs(record: Record) -> list[tuple]:
        return [(run["seed"], None if early else run["updates"]) for run in record.replicates]

    def images(record: Record, side: str, domain: str) -> set[tuple]:
        table = record.examples
        rows = table[(table["split"] == side) & (table["domain"] == domain)]
        return set(zip(rows["id"], rows["label"], strict=True))

    def fail(arm: str, what: str) -> None:
        raise UserError(
            f"{paths.classifier(arm)} and {paths.classifier('a')} cannot be compared, they differ "
            f"in {what}: run `dvc repro` again"
        )

    for arm, record in records.items():
        for key, value in reference.recipe.items():
            if record.recipe.get(key) != value:
                fail(arm, f"classifier.{key}, {record.recipe.get(key)} and {value}")
        if runs(record) != runs(reference):
            fail(arm, f"seeds and updates, {record.replicates} and {reference.replicates}")
        if set(record.examples["domain"]) != set(domains[arm]):
            fail(arm, f"definition: {arm} is trained on {' and '.join(domains[arm])}")
        for side in ("train", "val"):
            wanted = images(reference, side, "hr")
            for domain in domains[arm]:
                found = images(record, side, domain)
                limited = arm == "b" and domain == "sr" and sr_per_class is not None
                if not (found <= wanted if limited else found == wanted):
                    fail(arm, f"ids or classes of the {domain} images of {side}")


def comparable_records(arms: Sequence[str], params: Params) -> dict[str, Record]:
    """Read the records of trained arms and check that they are comparable.

    Args:
        arms: `a` is among them.
        params: declare the section `b`.

    Raises:
        UserError: an arm was not trained, or not like the others.
    """
    records = {arm: Record.load(paths.classifier(arm)) for arm in arms}
    domains = {arm: domains_of(arm, params) for arm in arms}
    check_comparable(records, domains, params.b.per_class)
    return records
