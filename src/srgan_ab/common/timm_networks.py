"""Networks of timm by name; apart, because importing timm takes seconds."""

from difflib import get_close_matches

import timm
from torch import nn

from srgan_ab.common.errors import UserError
from srgan_ab.common.rules import TIMM


def of_timm(name: str) -> nn.Module:
    """A network of timm with its 1000 ImageNet classes and random weights.

    Args:
        name: timm's, with `timm/` before it.

    Raises:
        UserError: timm has no such network.
    """
    own = name.removeprefix(TIMM)
    if not timm.is_model(own):
        near = get_close_matches(own, timm.list_models()) or ["tf_efficientnet_lite0"]
        raise UserError(
            f"classifier.backbone is {name!r}, and timm has no such network: did you mean "
            f"{' or '.join(TIMM + other for other in near)}?"
        )
    return timm.create_model(own, pretrained=False)


def normalisation(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of the three channels of the images that a network was trained on.

    Args:
        name: of a network that timm has.
    """
    config = timm.get_pretrained_cfg(name.removeprefix(TIMM))
    return config.mean, config.std  # pyright: ignore[reportOptionalMemberAccess]
