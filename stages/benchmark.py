"""Measure SRGAN, SRResNet and interpolation on the folders of `benchmarks.paths`.

With `controls.p` also the generator that was trained without an adversarial term, with `controls.t`
that which was trained with a loss of A's features.

After a change inside a folder `make repro` measures again. DVC alone does not see it: `dvc repro`
does after `python tools/note_inputs.py`.
"""

import _bootstrap  # noqa: F401

from srgan_ab.common.schema import Params
from srgan_ab.common.stage import run


def benchmark(params: Params) -> None:
    from functools import partial
    from pathlib import Path

    from srgan_ab.common import paths
    from srgan_ab.common.files import write_metrics

    if not params.benchmarks.paths:
        write_metrics(paths.METRICS / "benchmarks.json", {})
        return

    from srgan_ab.common.runtime import prepare  # torch takes seconds to import
    from srgan_ab.data.decoding import decode_folder
    from srgan_ab.quality.benchmarks import benchmark_folders, means
    from srgan_ab.quality.image_quality import load_lpips
    from srgan_ab.srgan.generator import load_generator
    from srgan_ab.srgan.upscaling import upscale_picture

    runtime, settings = prepare(params.runtime, params.seed), params.benchmarks
    weights = {"srresnet": paths.SRRESNET}
    if params.controls.p:
        weights["perceptual"] = paths.PERCEPTUAL
    weights["srgan"] = paths.GENERATOR
    if params.controls.t:
        weights["task"] = paths.TASK
    networks = {
        method: partial(upscale_picture, load_generator(path, runtime.device), runtime=runtime)
        for method, path in weights.items()
    }
    lpips = load_lpips(paths.pretrained("lpips"), runtime.device)
    folders = map(Path, settings.paths)
    measured = benchmark_folders(
        *(folders, decode_folder, settings.lr, params.images.scale),
        *(networks, lpips, runtime.device),
    )
    write_metrics(
        paths.METRICS / "benchmarks.json",
        {name: means(scores, realism) for name, scores, realism in measured},
    )


if __name__ == "__main__":
    run(benchmark)
