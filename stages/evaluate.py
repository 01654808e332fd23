"""Score every classifier on the test images, in every domain: real HR and what was enlarged.

The test images are the same for all arms, nobody trained on them, and nothing augments them. That
all arms were trained alike is checked first. Validation images are scored for calibration alone.
An arm that was asked before a stop is not asked again. Several processes share the images.
"""

from pathlib import Path

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def evaluate(params: Params, directory: Path) -> None:
    from srgan_ab.classifier.prediction import predict_all
    from srgan_ab.classifier.records import comparable_records
    from srgan_ab.common import paths
    from srgan_ab.common.arms import ARMS, chosen_arms, chosen_domains
    from srgan_ab.common.files import write_metrics
    from srgan_ab.common.packs import open_packs, require_two_classes
    from srgan_ab.common.parts import Parts
    from srgan_ab.common.runtime import prepare
    from srgan_ab.reporting.galleries import save_galleries
    from srgan_ab.statistics.classification import scores
    from srgan_ab.statistics.ledger import read_ledger
    from srgan_ab.statistics.predictions import Predictions

    runtime = prepare(params.runtime, params.seed, together=True)
    keep = Parts(directory, runtime).value
    test, validation = open_packs("test", "val")
    classes, arms = params.data.classes, chosen_arms(params.controls)
    domains = chosen_domains(params.controls)
    for pack in (test, validation):
        require_two_classes(pack, classes)

    records = comparable_records(arms, params)
    examples = {arm: record.examples for arm, record in records.items()}
    write_metrics(paths.LEDGER, read_ledger(examples, test.index["id"].tolist()))

    on_test = Predictions.of(test, predict_all(arms, "test", domains, runtime, keep))
    on_test.save(paths.PREDICTIONS, classes)
    on_validation = Predictions.of(validation, predict_all(arms, "val", ["hr"], runtime, keep))
    on_validation.save(paths.PREDICTIONS_VAL, classes)

    for arm in ARMS:  # an arm that was left out has no numbers
        subject = (arm, "hr")
        metrics = scores(test.labels, on_test.probabilities[subject]) if arm in arms else {}
        write_metrics(paths.METRICS / f"{arm}.json", metrics)
    means = {subject: rows.mean(0) for subject, rows in on_test.probabilities.items()}
    save_galleries(test, means, classes, params.seed)


if __name__ == "__main__":
    run(evaluate, resumable=True)
