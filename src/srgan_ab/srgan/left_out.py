"""What a stage leaves that trains no generator; apart, because importing torch takes seconds."""

from pathlib import Path

from srgan_ab.common import paths
from srgan_ab.common.files import atomic_directory, atomic_file, write_metrics


def leave_generator_out(weights: Path, metrics: str, curve: str) -> None:
    """Write what the training of a generator does, empty: params.yaml does not ask for it.

    Args:
        weights: where it would be, `paths.PERCEPTUAL` or another in a directory of its own.
        metrics, curve: names of its metrics and of its history.
    """
    with atomic_directory(weights.parent):
        pass
    write_metrics(paths.METRICS / f"{metrics}.json", {})
    with atomic_file(paths.PLOTS / f"{curve}.csv") as temporary:
        temporary.write_text("epoch,val_psnr_rgb,val_psnr_y,val_ssim_y,val_lpips\n")
