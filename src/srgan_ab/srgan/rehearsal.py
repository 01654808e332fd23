"""Each loss once, on an empty window: what cannot be computed is said before training."""

import torch
from torch import nn

from srgan_ab.common.errors import UserError
from srgan_ab.common.runtime import Runtime
from srgan_ab.common.schema import Srgan
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.progress import Distance


@torch.no_grad()
def rehearse(settings: Srgan, scale: int, perceptual: Distance | None, runtime: Runtime) -> None:
    """Refuse settings by which SRGAN could not be trained, or not as they say.

    Args:
        settings: `params.srgan`.
        scale: HR pixels per LR pixel, along each side.
        perceptual: of (sr, hr), on the runtime's device; None where its weight is 0.
        runtime: the device.

    Raises:
        UserError: a network cannot look at so small a window.
    """
    side = settings.crop - scale  # of what `shifted` shows to the networks that judge
    window = torch.zeros(min(settings.batch_size, 2), 3, side, side, device=runtime.device)
    try:
        Discriminator(**settings.discriminator.model_dump()).to(runtime.device)(window)
    except ValueError:  # of BatchNorm, which has one number per map
        raise UserError(
            f"srgan.batch_size 1 and srgan.crop {settings.crop} leave BatchNorm one number to "
            "normalise in the discriminator's last maps: raise either of them, or set "
            "srgan.discriminator.normalization to none"
        ) from None
    if perceptual is not None:
        _look(perceptual, window, settings)


def _look(perceptual: Distance, window: torch.Tensor, settings: Srgan) -> None:
    # a compiled network would be compiled for this window too
    look = perceptual.forward if isinstance(perceptual, nn.Module) else perceptual
    try:
        finite = look(window, window).float().mean().isfinite().item()
    except RuntimeError:
        finite = False
    if not finite:
        network, side = settings.perceptual.network, window.shape[-1]
        shallower = "" if network == "lpips" else ", or choose a shallower srgan.perceptual.layer"
        raise UserError(
            f"srgan.perceptual.network {network} leaves nothing of a window of {side} pixels, "
            f"srgan.crop less {settings.crop - side}: raise srgan.crop{shallower}"
        )
