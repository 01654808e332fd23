"""Measure SRGAN, SRResNet and interpolation on the folders of `benchmarks.paths`.

With `controls.p` also the generator that was trained without an adversarial term.

After a change inside a folder `make repro` measures again. DVC alone does not see it: `dvc repro`
does after `python tools/note_inputs.py`.
"""

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def benchmark(params: Params) -> None:
    from pathlib import Path

    from srgan_ab.common import paths
    from srgan_ab.common.files import write_metrics
    from srgan_ab.common.runtime import prepare
    from srgan_ab.data.decoding import decode_folder
    from srgan_ab.quality import benchmarks
    from srgan_ab.quality.image_quality import load_lpips
    from srgan_ab.srgan.generator import load_generator
    from srgan_ab.srgan.upscaling import upscale_picture

    runtime = prepare(params.runtime, params.seed)
    networks, weights = {}, {"srresnet": paths.SRRESNET}
    if params.controls.p:
        weights["perceptual"] = paths.PERCEPTUAL
    for method, path in (weights | {"srgan": paths.GENERATOR}).items():
        network = load_generator(path, runtime.device)
        networks[method] = lambda lr, network=network: upscale_picture(network, lr, runtime)
    lpips = load_lpips(paths.pretrained("lpips"), runtime.device)

    means = {}
    for folder in map(Path, params.benchmarks.paths):
        pictures = decode_folder(folder)
        scores = benchmarks.benchmark(
            pictures, params.benchmarks.lr, networks, lpips, runtime.device
        )
        means[folder.name] = benchmarks.means(scores)
    write_metrics(paths.METRICS / "benchmarks.json", means)


if __name__ == "__main__":
    run(benchmark)
