"""Compare A with B and with the controls: differences with uncertainty, curves, verdict, figure.

Reads only what other stages have written, so it takes seconds and needs no GPU.
`metrics/model.json` gets the numbers of the model that `compare.model` names: `dvc metrics diff`
compares revisions, and two revisions that differ in that key show A beside B.
"""

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def compare(params: Params) -> None:
    from srgan_ab.common import paths
    from srgan_ab.common.arms import chosen_arms, chosen_domains
    from srgan_ab.common.files import read_metrics, write_csv, write_metrics, write_text
    from srgan_ab.reporting.figures import comparison, save_figure
    from srgan_ab.statistics.agreement import agreement
    from srgan_ab.statistics.calibration import calibration
    from srgan_ab.statistics.curves import curve_tables
    from srgan_ab.statistics.ledger import completed
    from srgan_ab.statistics.matrix import score_matrix
    from srgan_ab.statistics.one_class import constant
    from srgan_ab.statistics.predictions import Predictions
    from srgan_ab.statistics.significance import differences
    from srgan_ab.statistics.verdict import verdict

    classes, arms, settings = params.data.classes, chosen_arms(params.controls), params.compare
    domains = chosen_domains(params.controls)
    predictions = Predictions.load(paths.PREDICTIONS, classes, arms, domains)
    validation = Predictions.load(paths.PREDICTIONS_VAL, classes, arms, ["hr"])
    ledger = read_metrics(paths.LEDGER, "test")
    model = read_metrics(paths.METRICS / f"{settings.model}.json", "accuracy")
    quality = read_metrics(paths.METRICS / "sr.json", "train", "test")
    training = read_metrics(paths.METRICS / "train_srgan.json", "n_train", "n_val")

    options = (settings.bootstrap, settings.margin, params.seed, settings.declared)
    found = differences(predictions, *options)
    matrix = score_matrix(predictions, settings.bootstrap, params.seed)
    curves = {
        arm: curve_tables(predictions.labels, predictions.probabilities[arm, "hr"], classes)
        for arm in ("a", "b")
    }
    setting = {
        "images": len(predictions.labels),
        "replicates": predictions.replicates,
        "synthetic": params.data.source == "synthetic",
        "b_images": params.b.images,
    }
    results = {
        "comparison": found,
        "matrix": matrix,
        "agreement": agreement(predictions),
        "model": model,
        "calibration": calibration(validation, predictions, settings.bootstrap, params.seed),
        "ledger": completed(ledger, predictions, quality=quality, training=training),
    }
    for name, values in results.items():
        write_metrics(paths.METRICS / f"{name}.json", values)
    said = verdict(found, matrix, constant(matrix), settings.margin, **setting)
    write_text(paths.METRICS / "verdict.md", said)
    for arm, tables in curves.items():
        for kind, table in tables.items():
            write_csv(paths.PLOTS / f"{kind}_{arm}.csv", table)
    roc = {arm: tables["roc"] for arm, tables in curves.items()}
    save_figure(comparison(matrix, roc, found, **setting), paths.PLOTS / "comparison.png")


if __name__ == "__main__":
    run(compare)
