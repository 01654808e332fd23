"""How long a call takes, the same for both sides."""

import time
from collections.abc import Callable

import torch

QUEUED = 10  # calls that a GPU is given at once


def seconds(function: Callable[[], object], device: torch.device) -> float:
    """Seconds of one call: on a CPU those of all threads of the process, on a GPU on the wall.

    A GPU gets ten calls in a row, because training, too, queues updates ahead of it.
    """
    if device.type != "cuda":
        start = time.process_time()
        function()
        return time.process_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(QUEUED):
        function()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / QUEUED
