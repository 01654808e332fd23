"""Several processes that share a stage: each computes its part of every batch, or whole batches.

What they have in common is all here. Every process draws the random numbers of the whole batch, so
that N processes train as one does, up to rounding. Losses are means over the batch, so gradients
are averaged after each backward pass, explicitly: a wrapper around the networks, such as torch's
DistributedDataParallel, would rename their parameters, and wants one backward pass for each forward
pass, which neither a discriminator nor a gradient penalty has. All processes then make the same
update, and nothing but gradients, logits and BatchNorm's statistics goes between them.

Where nothing is trained there are only batches, which need nothing of each other: each process
takes every so-many-th, the same that one alone would compute, so that the bits are the same too.

`common/joining.py` starts and connects them. docs/scaling.md says how to use it.
"""

# pyright: reportUnknownMemberType=false
# torch gives not all of its functions types

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from srgan_ab.common.errors import Lost, UserError
from srgan_ab.common.internals import copy_all_

T = TypeVar("T")
LOST = (
    "another process of this stage has ended, so this one ends too: what the other said is the "
    "reason; run it again, and it goes on where it stood"
)


@contextmanager
def exchange() -> Generator[None]:
    """Around what needs the other processes."""
    try:
        yield
    except RuntimeError:  # what torch raises when a connection breaks off
        raise Lost(LOST) from None


class _Mean(torch.autograd.Function):
    """The mean over processes; so is its gradient, because all their losses depend on it."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return _mean(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _mean(*gradients)


def _mean(values: Tensor) -> Tensor:
    total = values.detach().clone(memory_format=torch.contiguous_format)
    with exchange():
        dist.all_reduce(total)
    return total.div_(dist.get_world_size())


@dataclass(frozen=True)
class Processes:
    """The processes of one stage, of which this is one.

    Of one alone, all methods return what they are given, and cost nothing.

    Attributes:
        rank: of this process, from 0.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    def check(self, batch_size: int, key: str) -> None:
        """Refuse batches that cannot be shared evenly.

        Args:
            batch_size: of all processes together.
            key: its name in params.yaml.

        Raises:
            UserError: there is a remainder.
        """
        if batch_size % self.size:
            raise UserError(
                f"{key} is {batch_size}, which {self.size} processes cannot share evenly: set it "
                f"to a multiple of {self.size}, or start another number of processes"
            )

    def share(self, batch: Tensor) -> Tensor:
        """This process's rows of a whole batch: (N, ...) to (N / size, ...)."""
        rows = len(batch) // self.size
        return batch if self.size == 1 else batch[self.rank * rows :][:rows]

    def mean(self, values: Tensor) -> Tensor:
        """The mean over all processes, of equal shapes; gradients go through it."""
        return values if self.size == 1 else _Mean.apply(values)

    def gather(self, rows: Tensor) -> Tensor:
        """The whole batch, of which each process has its share; gradients go through it.

        What is computed of it must be the same in every process, as losses of logits are.

        Args:
            rows: (n, ...) of this process.

        Returns:
            (size · n, ...), in the order of the ranks.
        """
        if self.size == 1:
            return rows
        before, after = self.rank * len(rows), (self.size - 1 - self.rank) * len(rows)
        padding = [0, 0] * (rows.ndim - 1) + [before, after]
        return self.mean(F.pad(rows * self.size, padding))

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give every process the mean of all gradients, in one exchange."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        means = _mean(torch.cat([gradient.reshape(-1) for gradient in gradients]))
        sizes = [gradient.numel() for gradient in gradients]
        parts = torch.split_with_sizes(means, sizes)
        copy_all_(gradients, [m.view_as(g) for m, g in zip(parts, gradients, strict=True)])

    def averaged(self, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Named scalars, each the mean over all processes, in one exchange."""
        if self.size == 1:
            return dict(values)
        means = _mean(torch.stack([value.float() for value in values.values()]))
        return dict(zip(values, means.unbind(), strict=True))

    def by_first(self, compute: Callable[[], T]) -> T:
        """What the first process computes, for all of them; the others wait."""
        if self.size == 1:
            return compute()
        told = [compute() if self.rank == 0 else None]
        with exchange():
            dist.broadcast_object_list(told)
        return told[0]  # pyright: ignore[reportReturnType]

    def wait(self) -> None:
        """Let no process go on before the first has come here, with all that it has written."""
        self.by_first(lambda: None)

    def mine(self, batches: range) -> range:
        """Of batches that need nothing of each other those that this process computes."""
        return batches[self.rank :: self.size]

    def collect(self, found: list[Tensor]) -> list[Tensor]:
        """What all processes have computed of their batches, in the order of these.

        Args:
            found: one tensor for each of `mine`.

        Returns:
            The same list in every process; of several processes, on the CPU.
        """
        if self.size == 1:
            return found
        told: list[list[Tensor]] = [[] for _ in range(self.size)]
        here = [tensor.cpu() for tensor in found]  # an error of the device is none of the exchange
        with exchange():
            dist.all_gather_object(told, here)
        count = sum(map(len, told))
        return [told[n % self.size][n // self.size] for n in range(count)]

    def by_batches(self, count: int, batch_size: int, compute: Callable[[slice], Tensor]) -> Tensor:
        """What is computed of every row of a set, batch by batch, by all processes.

        Small results that are kept between the large tensors of the batches would break up the
        heap, which would grow with every batch: they are put into one tensor instead.

        Args:
            count: of rows, at least 1.
            batch_size: rows at a time.
            compute: of these rows to (n, ...).

        Returns:
            (count, ...) in every process; of several processes, on the CPU.
        """
        starts, found = range(0, count, batch_size), torch.empty(0)
        for start in self.mine(starts):
            values = compute(slice(start, start + batch_size))
            if not len(found):
                found = values.new_empty(count, *values.shape[1:])
            found[start : start + len(values)] = values
            del values
        if self.size == 1:
            return found
        # a part of a tensor would be sent with all of it
        mine = [found[start : start + batch_size].clone() for start in self.mine(starts)]
        return torch.cat(self.collect(mine))

    def whole_batch(self) -> "_WholeBatch":
        """While it is entered, BatchNorm and dropout compute as for the whole batch."""
        return _WholeBatch(self)


ALONE = Processes()


class _WholeBatch(TorchFunctionMode):
    """BatchNorm by the statistics of the whole batch, dropout by the draws for the whole batch.

    torch's SyncBatchNorm does the former on a GPU alone, and takes the place of a layer, whose kind
    others may have made more of, as timm's that hold an activation.
    """

    def __init__(self, processes: Processes):
        super().__init__()
        self.processes = processes

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        ours = {F.batch_norm: self._batch_norm, F.dropout: self._dropout}.get(func, func)
        return ours(*args, **(kwargs or {}))

    def _batch_norm(
        self,
        x: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        if not training:
            return F.batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
        others = [0, *range(2, x.ndim)]  # every dimension but that of the maps
        numbers = x.float()  # statistics of bf16 would be too coarse
        mean = self.processes.mean(numbers.mean(others, keepdim=True))
        centred = numbers - mean
        variance = self.processes.mean(centred.square().mean(others, keepdim=True))
        if running_mean is not None and running_var is not None:
            n = x.numel() // x.shape[1] * self.processes.size
            running_mean.lerp_(mean.detach().flatten(), momentum)
            running_var.lerp_(variance.detach().flatten() * n / (n - 1), momentum)
        normal = centred * (variance + eps).rsqrt()
        if weight is not None:
            normal = normal * weight.view_as(mean)
        return (normal if bias is None else normal + bias.view_as(mean)).to(x.dtype)

    def _dropout(
        self, x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> Tensor:
        if not training or p == 0:
            return x
        kept = F.dropout(x.new_ones(len(x) * self.processes.size, *x.shape[1:]), p)
        return x * self.processes.share(kept)
