"""Enlarge the LR images of every split by SRGAN, SRResNet and bicubic interpolation.

With `controls.p` also by the generator that was trained without an adversarial term. With
`srgan.folds`, each training image goes to the generators that were trained without its fold.

Image quality, beside that of other interpolations, is measured on validation, test and a sample of
the training images; realism by a judge trained on training images and asked about the others. The
pictures show fixed test images.
"""

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run

TRAIN_SAMPLE = 500  # images at most


def generate_sr(params: Params) -> None:
    from srgan_ab.common import paths
    from srgan_ab.common.arms import chosen_domains
    from srgan_ab.common.files import write_metrics
    from srgan_ab.common.interpolation import FILTERS, Interpolated
    from srgan_ab.common.packs import SPLITS, open_images, open_packs
    from srgan_ab.common.runtime import prepare
    from srgan_ab.common.seeds import seed_for
    from srgan_ab.quality.feature_distance import load_features, mean_distances
    from srgan_ab.quality.image_quality import load_lpips, lr_psnr, measure
    from srgan_ab.quality.realism import of_methods
    from srgan_ab.srgan.generation import METHODS, generate, save_samples, shares_of

    runtime = prepare(params.runtime, params.seed)
    packs, domains = open_packs(*SPLITS), chosen_domains(params.controls)
    for split in SPLITS:
        generate(split, shares_of(split, domains, runtime.device), runtime)

    lpips = load_lpips(paths.pretrained("lpips"), runtime.device)
    network, weights = params.srgan.perceptual.network, paths.pretrained("perceptual")
    features = load_features(network, weights, runtime.device)
    quality = {}
    kept = {method: domain for method, domain in METHODS.items() if domain in domains}
    for split, pack in zip(SPLITS, packs, strict=True):
        # training images: a sample, to see how much better they come out where they are known
        rows = slice(None, None, -(-len(pack) // TRAIN_SAMPLE) if split == "train" else None)
        hr, lr = pack.hr[rows], pack.lr[rows]
        height, width = hr.shape[1:3]
        methods = {method: Interpolated(lr, height, width, method) for method in FILTERS}
        methods |= {method: open_images(split, domain)[rows] for method, domain in kept.items()}
        distances = mean_distances(methods, hr, features, runtime.device)
        quality[split] = {
            method: measure(sr, hr, lpips, runtime.device)
            | ({"lite0_distance": distances[method]} if distances else {})
            | {"lr_psnr": lr_psnr(sr, lr, runtime.device)}
            for method, sr in methods.items()
        }
    enlarged = {m: [open_images(split, domain) for split in SPLITS] for m, domain in kept.items()}
    seed, originals = seed_for("realism", params.seed), [pack.hr for pack in packs]
    for method, accuracies in of_methods(enlarged, originals, seed, runtime.device).items():
        for split, accuracy in zip(SPLITS[1:], accuracies, strict=True):
            quality[split].setdefault(method, {})["realism"] = accuracy
    write_metrics(paths.METRICS / "sr.json", quality)
    save_samples("test", domains)


if __name__ == "__main__":
    run(generate_sr)
