"""Enlarge the LR images of every split by SRGAN, SRResNet and bicubic interpolation.

With `controls.p` also by the generator that was trained without an adversarial term, with
`controls.t` by that which was trained with a loss of A's features. With `srgan.folds`, each
training image goes to the generators that were trained without its fold.

Image quality, beside that of other interpolations, is measured on validation, test and a sample of
the training images; realism by a judge trained on training images and asked about the others. The
pictures show fixed test images. What was enlarged and measured before a stop is not done again.
Several processes share all of it.
"""

from pathlib import Path

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def generate_sr(params: Params, directory: Path) -> None:
    from srgan_ab.common import paths
    from srgan_ab.common.arms import chosen_domains
    from srgan_ab.common.files import write_metrics
    from srgan_ab.common.interpolation import FILTERS, Interpolated
    from srgan_ab.common.packs import SPLITS, open_images, open_packs
    from srgan_ab.common.parts import Parts
    from srgan_ab.common.runtime import prepare
    from srgan_ab.common.seeds import seed_for
    from srgan_ab.quality.feature_distance import load_features
    from srgan_ab.quality.image_quality import load_lpips
    from srgan_ab.quality.realism import of_methods
    from srgan_ab.quality.summary import summarize
    from srgan_ab.srgan.generation import METHODS, generate, save_samples, shares_of

    runtime = prepare(params.runtime, params.seed, together=True)
    parts, device = Parts(directory, runtime), runtime.device
    packs, domains = open_packs(*SPLITS), chosen_domains(params.controls)
    for split in SPLITS:
        generate(split, shares_of(split, domains, device), runtime, parts)

    lpips = load_lpips(paths.pretrained("lpips"), device)
    network, weights = params.srgan.perceptual.network, paths.pretrained("perceptual")
    features = load_features(network, weights, device)
    quality = {}
    kept = {method: domain for method, domain in METHODS.items() if domain in domains}
    for split, pack in zip(SPLITS, packs, strict=True):
        # of the training images about as many as there are to test: known ones come out better
        step = -(-len(pack) // len(packs[-1])) if split == "train" else 1
        hr, lr = pack.hr[::step], pack.lr[::step]
        height, width = hr.shape[1:3]
        # interpolation learns nothing, so training images say no more of it than others do
        others = [] if split == "train" else FILTERS
        methods = {method: Interpolated(lr, height, width, method) for method in others}
        methods |= {method: open_images(split, domain)[::step] for method, domain in kept.items()}
        keep = parts.part(f"quality/{split}").value
        quality[split] = summarize(methods, hr, lr, lpips, features, runtime, keep)
    enlarged = {m: [open_images(split, domain) for split in SPLITS] for m, domain in kept.items()}
    seed, originals = seed_for("realism", params.seed), [pack.hr for pack in packs]
    keep = parts.part("realism").value
    judged = of_methods(enlarged, originals, seed, device, keep, runtime.processes)
    for method, accuracies in judged.items():
        for split, accuracy in zip(SPLITS[1:], accuracies, strict=True):
            quality[split].setdefault(method, {})["realism"] = accuracy
    write_metrics(paths.METRICS / "sr.json", quality)
    save_samples("test", domains)


if __name__ == "__main__":
    run(generate_sr, resumable=True)
