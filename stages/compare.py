"""Compare A with B and with the controls: differences with uncertainty, curves, verdict, figure.

Reads only what other stages have written, so it takes seconds and needs no GPU.
`metrics/model.json` gets the numbers of the model that `compare.model` names: `dvc metrics diff`
compares revisions, and two revisions that differ in that key show A beside B.
"""

import _bootstrap  # noqa: F401

from srgan_ab.common.stage import run


def compare(params):
    import json

    from srgan_ab.common import paths
    from srgan_ab.common.files import atomic_file, write_metrics
    from srgan_ab.common.packs import DOMAINS
    from srgan_ab.evaluation.calibration import calibration, reliability
    from srgan_ab.evaluation.classification import THRESHOLD, confusion_rows, curves, scores
    from srgan_ab.evaluation.figures import comparison, save_figure
    from srgan_ab.evaluation.ledger import accuracy_without_flagged, generator_gap
    from srgan_ab.evaluation.predictions import Predictions, chosen_arms
    from srgan_ab.evaluation.significance import differences, pairs_of
    from srgan_ab.evaluation.verdict import verdict

    def metrics(name):
        return json.loads((paths.METRICS / f"{name}.json").read_text())

    classes, arms = params.data.classes, chosen_arms(params.controls)
    synthetic = params.data.source == "synthetic"
    predictions = Predictions.load(paths.PREDICTIONS, classes, arms)
    validation = Predictions.load(paths.PREDICTIONS_VAL, classes, arms, ["hr"])
    labels, probabilities = predictions.labels, predictions.probabilities
    settings = params.compare

    found = differences(predictions, settings.bootstrap, settings.margin, params.seed)
    write_metrics(paths.METRICS / "comparison.json", found)
    write_metrics(paths.METRICS / "model.json", metrics(settings.model))
    with atomic_file(paths.METRICS / "verdict.md") as temporary:
        replicates, b_images = predictions.replicates, params.b.images
        temporary.write_text(
            verdict(found, settings.margin, len(labels), replicates, synthetic, b_images)
        )
    calibrated = calibration(validation, predictions, settings.bootstrap, params.seed)
    write_metrics(paths.METRICS / "calibration.json", calibrated)
    ledger = {
        **json.loads(paths.LEDGER.read_text()),
        "generator": generator_gap(metrics("sr"), metrics("train_srgan")),
        "accuracy": accuracy_without_flagged(predictions),
    }
    write_metrics(paths.METRICS / "ledger.json", ledger)

    roc = {}
    for arm in ("a", "b"):
        on_hr = probabilities[arm, "hr"]
        roc[arm], pr = curves(labels, on_hr)
        tables = {
            "roc": roc[arm],
            "pr": pr,
            "confusion": confusion_rows(labels, on_hr, classes),
            "reliability": reliability(labels, on_hr),
        }
        for kind, table in tables.items():
            with atomic_file(paths.PLOTS / f"{kind}_{arm}.csv") as temporary:
                table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")

    results = {}
    for subject, rows in probabilities.items():
        each = ((rows >= THRESHOLD) == labels).mean(axis=1)
        results[subject] = {**scores(labels, rows), "accuracy_of_replicates": each.tolist()}
    matrix = {arm: {domain: results[arm, domain] for domain in DOMAINS} for arm in arms}
    write_metrics(paths.METRICS / "matrix.json", matrix)
    figure = comparison(
        accuracy={subject: result["accuracy"] for subject, result in results.items()},
        roc=roc,
        auc={arm: results[arm, "hr"]["roc_auc"] for arm in roc},
        pairs=pairs_of(arms),
        differences=found,
        images=len(labels),
        replicates=replicates,
        synthetic=synthetic,
        b_images=b_images,
    )
    save_figure(figure, paths.PLOTS / "comparison.png")


if __name__ == "__main__":
    run(compare)
