"""Starting, finding and leaving the other processes of a stage, by Lightning Fabric."""

# pyright: reportUnknownMemberType=false
# torch gives not all of its functions types

import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist

from srgan_ab.common.distributed import ALONE, LOST, Processes, exchange
from srgan_ab.common.errors import UserError
from srgan_ab.common.launch import by_srun, by_torchrun, is_first
from srgan_ab.common.schema import RuntimeParams

if TYPE_CHECKING:  # seconds of importing that one process alone does without
    from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment

PATIENCE = 10  # seconds that processes may be apart when all of them find the same fault
_first_speaks = threading.Event()  # and this process has nothing to add


def join(settings: RuntimeParams, device: str) -> tuple[Processes, torch.device]:
    """Start or find the other processes of this stage, and connect with them.

    Whoever started this process has said how many there are, if it was `torchrun` or `srun`;
    otherwise `runtime.devices` and `runtime.nodes` do, and the first process of each machine starts
    the others of its machine.

    Args:
        settings: `params.runtime`.
        device: its kind, `cpu`, `cuda` or `mps`.

    Returns:
        The processes, and this one's device.

    Raises:
        UserError: the processes cannot be had so.
        Lost: they cannot be reached.
    """
    devices, nodes = _counts(settings, device)
    if devices * nodes == 1 and settings.strategy == "auto":
        if not is_first():
            raise UserError(
                "NODE_RANK or LOCAL_RANK says that this is not the first process, but "
                "runtime.devices and runtime.nodes are 1: raise them, or unset both variables"
            )
        return ALONE, torch.device(device)
    if settings.portable:
        raise UserError(
            "runtime.portable gives the same bits everywhere, by one process, and here are "
            f"{devices * nodes}: set it to false, or start one"
        )
    if device == "mps":
        raise UserError("processes on mps cannot be connected: set runtime.devices to 1")
    return _connect(device, devices, nodes)


def _counts(settings: RuntimeParams, device: str) -> tuple[int, int]:
    """Processes on each machine, and machines."""
    if by_torchrun():
        here = int(os.environ["LOCAL_WORLD_SIZE"])
        return here, int(os.environ["WORLD_SIZE"]) // here
    if by_srun():
        if "SLURM_NTASKS_PER_NODE" not in os.environ:
            raise UserError(
                "SLURM does not say how many tasks a node has: give srun "
                "--ntasks-per-node instead of --ntasks"
            )
        return int(os.environ["SLURM_NTASKS_PER_NODE"]), int(os.environ["SLURM_NNODES"])
    if settings.devices != "auto":
        return settings.devices, settings.nodes
    return (torch.cuda.device_count() if device == "cuda" else 1), settings.nodes


def _connect(device: str, devices: int, nodes: int) -> tuple[Processes, torch.device]:
    # it says much about itself, and one sentence when it ends others, which is to be seen
    logging.getLogger("lightning_fabric.utilities").setLevel(logging.WARNING)
    from lightning_fabric import Fabric

    if device == "cuda" and devices > torch.cuda.device_count():
        raise UserError(
            f"{devices} processes on this machine want a GPU each, but torch sees "
            f"{torch.cuda.device_count()}: lower runtime.devices, or what torchrun or srun starts"
        )
    # the others are started by this name, from wherever the stage has gone to
    sys.argv[0] = str(Path(sys.modules["__main__"].__file__ or sys.argv[0]).resolve())
    fabric = Fabric(
        accelerator=device,
        devices=devices,
        num_nodes=nodes,
        strategy="ddp",
        plugins=[_environment()],
    )
    with exchange():
        fabric.launch()
    if not is_first():
        _end_with(os.getppid())
    return Processes(fabric.global_rank, fabric.world_size), fabric.device


def _environment() -> "ClusterEnvironment":
    """Who starts the processes; Fabric would take any batch script of SLURM for one of `srun`."""
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment
    from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
    from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment

    if by_torchrun():
        return TorchElasticEnvironment()
    return SLURMEnvironment(auto_requeue=False) if by_srun() else LightningEnvironment()


def _end_with(parent: int) -> None:
    """End this process once who started it has ended, even while it waits in an exchange."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        if is_joined():
            if not _first_speaks.is_set():
                print(LOST, file=sys.stderr, flush=True)
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def is_joined() -> bool:
    """Whether this process is one of several, and has not left them."""
    return dist.is_initialized()


def let_first_speak() -> None:
    """Give the first process time to end with a fault that it found too, and this one with it.

    Returns:
        Only if it goes on: the fault is this process's alone, who has to say it.
    """
    if is_joined():
        _first_speaks.set()
        time.sleep(PATIENCE)


def leave() -> None:
    """Go when all processes are done: none goes before the first has written all."""
    if is_joined():
        with exchange():
            dist.barrier()
            dist.destroy_process_group()
