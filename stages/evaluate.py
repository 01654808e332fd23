"""Score every classifier on the test images, in every domain: real HR, SRGAN, bicubic, SRResNet.

The test images are the same for all arms, nobody trained on them, and nothing augments them.
"""

import _bootstrap  # noqa: F401

from srgan_ab.common.stage import run


def evaluate(params):
    from srgan_ab.classifier.prediction import predict
    from srgan_ab.common import paths
    from srgan_ab.common.files import write_metrics
    from srgan_ab.common.packs import DOMAINS, open_images, open_pack, require_two_classes
    from srgan_ab.common.pictures import save_png
    from srgan_ab.common.runtime import prepare
    from srgan_ab.evaluation.classification import scores
    from srgan_ab.evaluation.figures import choose_images, prediction_sheet
    from srgan_ab.evaluation.predictions import ARMS, Predictions

    runtime = prepare(params.runtime, params.seed)
    test = open_pack("test")
    require_two_classes(test)
    classes = params.data.classes

    images = {domain: open_images("test", domain) for domain in DOMAINS}
    predictions = Predictions(
        ids=test.index["id"].to_numpy(),
        groups=test.index["group"].to_numpy(),
        labels=test.labels,
        probabilities={
            (arm, domain): predict(paths.classifier(arm), images[domain], runtime)
            for arm in ARMS
            for domain in DOMAINS
        },
    )
    predictions.save(paths.PREDICTIONS, classes)

    for arm in ARMS:
        on_hr = scores(test.labels, predictions.probabilities[arm, "hr"])
        write_metrics(paths.METRICS / f"{arm}.json", on_hr)

    mean = {arm: predictions.probabilities[arm, "hr"].mean(0) for arm in ("a", "b")}
    rows = choose_images(test.labels, mean["a"], mean["b"], params.seed)
    for arm, said in mean.items():
        title = f"Classifier {arm.upper()} on real HR test images"
        sheet = prediction_sheet(test.hr[rows], test.labels[rows], said[rows], classes, title)
        save_png(sheet, paths.PLOTS / f"predictions_{arm}.png")


if __name__ == "__main__":
    run(evaluate)
