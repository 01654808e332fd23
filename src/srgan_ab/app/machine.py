"""Where commands compute: options that several of them share, and the runtime that they mean."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:  # seconds of importing that --help does without
    from srgan_ab.common.runtime import Runtime

Device = Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where to compute.")]
Precision = Annotated[
    Literal["auto", "fp32", "bf16"],
    typer.Option(help="How precisely; auto is bf16 where the processor computes in it."),
]


def runtime_of(device: str, precision: str = "auto") -> "Runtime":
    """Make torch ready, deterministic where it can be.

    Raises:
        UserError: the accelerator is not there.
    """
    from srgan_ab.common.runtime import prepare

    return prepare(_settings(device, precision), seed=0)


def chosen_runtime(device: str, precision: str = "auto") -> "Runtime":
    """The same, while torch stays as its user has set it.

    Raises:
        UserError: the accelerator is not there.
    """
    from srgan_ab.common.runtime import choose

    return choose(_settings(device, precision))


def _settings(device: str, precision: str):
    from srgan_ab.common.schema import RuntimeParams

    return RuntimeParams.model_validate(
        {"portable": False, "device": device, "precision": precision}
        | {"devices": 1, "nodes": 1, "strategy": "auto", "streaming": "auto"}
        | dict.fromkeys(("compile", "threads", "workers"))
    )
