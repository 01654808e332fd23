"""Score every classifier on the test images, in every domain: real HR, SRGAN, bicubic, SRResNet.

The test images are the same for all arms, nobody trained on them, and nothing augments them. That
all arms were trained alike is checked first. Validation images are scored for calibration alone.
"""

import _bootstrap  # noqa: F401

from srgan_ab.common.stage import run


def evaluate(params):
    import pandas as pd

    from srgan_ab.classifier.arms import domains_of
    from srgan_ab.classifier.prediction import predict
    from srgan_ab.classifier.records import Record, check_comparable
    from srgan_ab.common import paths
    from srgan_ab.common.files import write_metrics
    from srgan_ab.common.packs import DOMAINS, open_images, open_pack, require_two_classes
    from srgan_ab.common.pictures import save_png
    from srgan_ab.common.runtime import prepare
    from srgan_ab.evaluation.classification import scores
    from srgan_ab.evaluation.figures import choose_images, prediction_sheet
    from srgan_ab.evaluation.ledger import cross_fitted, seen
    from srgan_ab.evaluation.predictions import ARMS, Predictions, chosen_arms

    runtime = prepare(params.runtime, params.seed)
    test, validation = open_pack("test"), open_pack("val")
    require_two_classes(test)
    classes, arms = params.data.classes, chosen_arms(params.controls)

    records = {arm: Record.load(paths.classifier(arm)) for arm in arms}
    check_comparable(records, {arm: domains_of(arm, params) for arm in arms}, params.b.per_class)
    split = pd.read_csv(paths.SPLIT, dtype=str, keep_default_na=False)
    examples = {arm: record.examples for arm, record in records.items()}
    ledger = seen(split, examples, test.index["id"])
    if paths.FOLDS.exists():
        folds = pd.read_csv(paths.FOLDS, dtype={"id": str}, keep_default_na=False)
        ledger["cross_fitting"] = cross_fitted(split, folds, examples)
    write_metrics(paths.LEDGER, ledger)

    def predictions_of(pack, name, domains):
        images = {domain: open_images(name, domain) for domain in domains}
        return Predictions.of(
            pack,
            {
                (arm, domain): predict(paths.classifier(arm), images[domain], runtime)
                for arm in arms
                for domain in domains
            },
        )

    predictions = predictions_of(test, "test", DOMAINS)
    predictions.save(paths.PREDICTIONS, classes)
    predictions_of(validation, "val", ["hr"]).save(paths.PREDICTIONS_VAL, classes)

    for arm in ARMS:
        left_out = arm not in arms
        on_hr = {} if left_out else scores(test.labels, predictions.probabilities[arm, "hr"])
        write_metrics(paths.METRICS / f"{arm}.json", on_hr)

    mean = {arm: predictions.probabilities[arm, "hr"].mean(0) for arm in ("a", "b")}
    rows = choose_images(test.labels, mean["a"], mean["b"], params.seed)
    for arm, said in mean.items():
        title = f"Classifier {arm.upper()} on real HR test images"
        sheet = prediction_sheet(test.hr[rows], test.labels[rows], said[rows], classes, title)
        save_png(sheet, paths.PLOTS / f"predictions_{arm}.png")


if __name__ == "__main__":
    run(evaluate)
