"""Compare A with B and with the controls: differences with uncertainty, curves, one figure.

Reads only what `evaluate` wrote, so it takes seconds and needs no GPU. `metrics/model.json` gets
the numbers of the model that `compare.model` names: `dvc metrics diff` compares revisions, and two
revisions that differ in that key show A beside B.
"""

import _bootstrap  # noqa: F401

from srgan_ab.common.stage import run

# name: (arm, test domain) minus (arm, test domain)
PAIRS = {
    # on real photographs: does what a classifier was trained on matter?
    "b_minus_a": (("b", "hr"), ("a", "hr")),
    "b_minus_c": (("b", "hr"), ("c", "hr")),
    "b_minus_r": (("b", "hr"), ("r", "hr")),
    "b_plus_minus_a": (("b_plus", "hr"), ("a", "hr")),
    "b_plus_minus_c_plus": (("b_plus", "hr"), ("c_plus", "hr")),
    "c_minus_a": (("c", "hr"), ("a", "hr")),
    # where only the small image is to be had: up-scale it how, for which classifier?
    "b_sr_minus_c_bicubic": (("b", "sr"), ("c", "bicubic")),
    "b_sr_minus_r_srresnet": (("b", "sr"), ("r", "srresnet")),
    "a_sr_minus_a_bicubic": (("a", "sr"), ("a", "bicubic")),
    "b_sr_minus_a_hr": (("b", "sr"), ("a", "hr")),
}


def compare(params):
    import json

    from srgan_ab.common import paths
    from srgan_ab.common.files import atomic_file, write_metrics
    from srgan_ab.common.packs import DOMAINS
    from srgan_ab.evaluation.classification import confusion_rows, curves, scores
    from srgan_ab.evaluation.figures import comparison, save_figure
    from srgan_ab.evaluation.predictions import ARMS, Predictions
    from srgan_ab.evaluation.significance import bootstrap, difference

    classes = params.data.classes
    predictions = Predictions.load(paths.PREDICTIONS, classes)
    labels, probabilities = predictions.labels, predictions.probabilities

    subjects = {subject for pair in PAIRS.values() for subject in pair}
    samples = bootstrap(predictions, sorted(subjects), params.compare.bootstrap, params.seed)
    differences = {name: difference(predictions, samples, *pair) for name, pair in PAIRS.items()}
    write_metrics(paths.METRICS / "comparison.json", differences)
    chosen = json.loads((paths.METRICS / f"{params.compare.model}.json").read_text())
    write_metrics(paths.METRICS / "model.json", chosen)

    roc = {}
    for arm in ("a", "b"):
        on_hr = probabilities[arm, "hr"]
        roc[arm], pr = curves(labels, on_hr)
        tables = {"roc": roc[arm], "pr": pr, "confusion": confusion_rows(labels, on_hr, classes)}
        for kind, table in tables.items():
            with atomic_file(paths.PLOTS / f"{kind}_{arm}.csv") as temporary:
                table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")

    results = {subject: scores(labels, rows) for subject, rows in probabilities.items()}
    matrix = {arm: {domain: results[arm, domain] for domain in DOMAINS} for arm in ARMS}
    write_metrics(paths.METRICS / "matrix.json", matrix)
    figure = comparison(
        accuracy={subject: result["accuracy"] for subject, result in results.items()},
        roc=roc,
        auc={arm: results[arm, "hr"]["roc_auc"] for arm in roc},
        pairs=PAIRS,
        differences=differences,
        images=len(labels),
        replicates=len(probabilities["a", "hr"]),
        synthetic=params.data.source == "synthetic",
        b_images=params.b.images,
    )
    save_figure(figure, paths.PLOTS / "comparison.png")


if __name__ == "__main__":
    run(compare)
