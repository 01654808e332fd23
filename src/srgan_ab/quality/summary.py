"""Every measure of image quality, of every method, on one set of images."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from srgan_ab.common.bars import bar
from srgan_ab.common.interpolation import Interpolated
from srgan_ab.common.parts import Keep, forget
from srgan_ab.common.runtime import Runtime
from srgan_ab.quality.feature_distance import Features, mean_distances
from srgan_ab.quality.image_quality import Lpips, lr_psnr, measure


def summarize(
    methods: Mapping[str, np.ndarray | Interpolated],
    hr: np.ndarray,
    lr: np.ndarray,
    lpips: Lpips | None,
    features: Features | None,
    runtime: Runtime,
    keep: Keep = forget,
) -> dict[str, dict[str, float | None]]:
    """Means over images of what `image_quality` and `feature_distance` measure.

    Args:
        methods: by name, (N, H, W, 3) uint8 RGB, may be memory-mapped, or interpolated as read.
        hr: the originals, the same shape and type.
        lr: what they were made of, (N, h, w, 3) uint8 RGB.
        lpips: None where it is not measured.
        features: None where their distance is not measured.
        runtime: where to compute, in fp32 whatever its precision, and the processes that share it.
        keep: of results, method by method.

    Returns:
        Method to measure to value; None for LPIPS that is not measured.

    Raises:
        UserError: the images are too small to measure.
    """
    device, together = runtime.device, runtime.processes
    measured = partial(mean_distances, methods, hr, features, device, processes=together)
    distances = keep("distances", measured)

    scale = hr.shape[1] // lr.shape[1]

    def of_method(method: str) -> dict[str, float | None]:
        found = measure(methods[method], hr, lpips, device, border=scale, processes=together)
        return found | {"lr_psnr": lr_psnr(methods[method], lr, device, processes=together)}

    quality = {}
    for method in bar(methods, label="image quality", unit="method"):
        found = keep(method, partial(of_method, method))
        distance = {"lite0_distance": distances[method]} if distances else {}
        quality[method] = found | distance
    return quality
