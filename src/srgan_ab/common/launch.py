"""Which of the processes of a stage this one is, as whoever started it says in its environment.

It imports nothing, because every stage asks.
"""

import os


def by_torchrun() -> bool:
    """Whether `torchrun` started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def by_srun() -> bool:
    """Whether it is one of several tasks of SLURM's `srun`; a batch script itself is none."""
    return int(os.environ.get("SLURM_STEP_NUM_TASKS", "1")) > 1


def is_first() -> bool:
    """Whether this is the process that writes and speaks: the only one, or rank 0 of several."""
    if by_torchrun():
        return os.environ["RANK"] == "0"
    if by_srun():
        return os.environ["SLURM_PROCID"] == "0"
    return all(os.environ.get(name, "0") == "0" for name in ("NODE_RANK", "LOCAL_RANK"))
