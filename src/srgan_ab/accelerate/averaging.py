"""The moving average of a network, without a word from the device."""

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from srgan_ab.common.internals import copy_all_


@torch.no_grad()
def average(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    """Move to decay · averaged + (1 - decay) · network; BatchNorm's statistics are copied.

    By torch's own function, but not its `AveragedModel`, which counts on the device and so makes
    the host wait for a GPU at every update.
    """
    move = get_ema_multi_avg_fn(decay)
    move(list(averaged.parameters()), list(network.parameters()), None)
    for whole in (True, False):  # lists of one type are copied in one launch
        ours, theirs = (
            [buffer for buffer in module.buffers() if buffer.is_floating_point() != whole]
            for module in (averaged, network)
        )
        if ours:
            copy_all_(ours, theirs)
