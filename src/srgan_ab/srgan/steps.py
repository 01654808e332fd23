"""One update of each phase: networks and a batch in, losses out; nothing is logged or saved."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import add

import torch
from torch import Tensor, nn

from srgan_ab.common.distributed import ALONE, Processes
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.history import History
from srgan_ab.srgan.losses import compared, realness
from srgan_ab.srgan.objectives import DiscriminatorLoss, GeneratorLoss


@dataclass
class Adversaries:
    """The two networks of the adversarial phase, their optimisers, and what else is random."""

    generator: Generator
    discriminator: Discriminator
    optimizer_g: torch.optim.Optimizer
    optimizer_d: torch.optim.Optimizer
    history: History | None  # None: the discriminator sees only today's images
    random: torch.Generator  # of label noise and of the history's choice


def shifted(sr: Tensor, hr: Tensor, scale: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """The same window of two batches, at a random place.

    Crops begin at a whole LR pixel, so the pooling and the strides of the networks that judge them
    would always fall on the same HR pixels, and the generator would learn to please that grid.

    Args:
        sr, hr: (N, 3, H, W).
        scale: HR pixels per LR pixel, along each side.
        random: on their device.

    Returns:
        Two batches (N, 3, H - scale, W - scale).
    """
    offset = torch.randint(scale + 1, (2, 1), generator=random, device=hr.device)
    y, x = (torch.arange(side - scale, device=hr.device) for side in hr.shape[2:])
    y, x = y + offset[0], x + offset[1]  # no slices: the host does not know the offset
    return sr.index_select(2, y).index_select(3, x), hr.index_select(2, y).index_select(3, x)


def descend(
    loss: Tensor,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    clip: float | None,
    processes: Processes = ALONE,
) -> Tensor:
    """One step of the optimiser down a loss.

    Args:
        loss: scalar.
        module: whose parameters move.
        optimizer: of these parameters.
        clip: greatest norm of the whole gradient (Pascanu et al. 2013, arXiv 1211.5063); None =
            unlimited.
        processes: whose losses' mean is descended.

    Returns:
        The norm of the gradient before clipping, still on the device.
    """
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    parameters = list(module.parameters())
    processes.average_gradients(parameters)
    norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    if clip is not None:
        nn.utils.clip_grads_with_norm_(parameters, clip, norm)
    optimizer.step()
    return norm


def pretrain_step(
    generator: Generator,
    optimizer: torch.optim.Optimizer,
    lr: Tensor,
    hr: Tensor,
    pixel_loss: Callable[[Tensor, Tensor], Tensor],
    clip: float | None,
    runtime: Runtime,
) -> dict[str, Tensor]:
    """One update of the generator on a pixel loss.

    Args:
        generator, optimizer: moved.
        lr: (N, 3, h, w) in [0, 1].
        hr: (N, 3, scale · h, scale · w) in [0, 1].
        pixel_loss: of (sr, hr).
        clip: as of `descend`.
        runtime: precision.

    Returns:
        The loss and the gradient's norm, still on the device.
    """
    runtime.begin_update()
    with runtime.autocast():
        sr = generator(lr)
    loss = pixel_loss(sr.float(), hr)
    norm = descend(loss, generator, optimizer, clip, runtime.processes)
    return runtime.processes.averaged({"loss": loss.detach(), "gradient_norm": norm})


def discriminator_step(
    nets: Adversaries,
    sr: Tensor,
    hr: Tensor,
    loss_d: DiscriminatorLoss,
    clip: float | None,
    runtime: Runtime,
) -> dict[str, Tensor]:
    """One update of the discriminator.

    Args:
        nets: of which the discriminator is moved.
        sr, hr: (N, 3, H, W) in [0, 1], the generated images without a gradient.
        loss_d: what it descends.
        clip: as of `descend`.
        runtime: precision.

    Returns:
        Losses, mean probabilities, accuracy and the gradient's norm, still on the device.
    """
    processes = runtime.processes
    if nets.history is not None:  # of which every process keeps all
        sr = processes.share(nets.history.mix(processes.gather(sr), nets.random))
    nets.discriminator.requires_grad_(True)
    with runtime.autocast():
        terms, real, fake = loss_d.terms(nets.discriminator, hr, sr, nets.random, processes)
    loss = reduce(add, terms.values())
    norm = descend(loss, nets.discriminator, nets.optimizer_d, clip, processes)
    nets.discriminator.requires_grad_(False)  # the generator's update wants no gradients here

    real, fake = real.detach(), fake.detach()
    d_real, d_fake = realness(loss_d.kind, real, fake)
    for_real, for_fake = compared(loss_d.kind, real, fake)
    values = {
        **{f"loss_{name}": term.detach() for name, term in terms.items()},
        "d_real": d_real.mean(),
        "d_fake": d_fake.mean(),
        "d_accuracy": torch.cat([for_real > 0, for_fake <= 0]).float().mean(),
        "gradient_norm_d": norm,
    }
    return processes.averaged(values)


def warm_up_step(
    nets: Adversaries,
    lr: Tensor,
    hr: Tensor,
    loss_d: DiscriminatorLoss,
    clip: float | None,
    runtime: Runtime,
) -> dict[str, Tensor]:
    """One update of the discriminator on images of a generator that stands still.

    Arguments and result are those of `adversarial_step`, without the generator's part.
    """
    runtime.begin_update()
    with torch.no_grad(), runtime.autocast():
        sr = nets.generator(lr)
    sr, hr = shifted(sr.float(), hr, nets.generator.scale, nets.random)
    return discriminator_step(nets, sr, hr, loss_d, clip, runtime)


def generator_step(
    generator: Generator,
    discriminator: Discriminator | None,
    optimizer: torch.optim.Optimizer,
    sr: Tensor,
    hr: Tensor,
    loss_g: GeneratorLoss,
    clip: float | None,
    runtime: Runtime,
) -> dict[str, Tensor]:
    """One update of the generator.

    Args:
        generator, optimizer: moved.
        discriminator: that judges; None where the adversarial term has no weight.
        sr, hr: (N, 3, H, W) in [0, 1], the generated images with their gradient.
        loss_g: what it descends.
        clip: as of `descend`.
        runtime: precision.

    Returns:
        Losses and the gradient's norm, still on the device.
    """
    with runtime.autocast():
        terms = loss_g.terms(sr, hr, discriminator, runtime.processes)
    weighted = (loss_g.weights[name] * term for name, term in terms.items())
    norm = descend(reduce(add, weighted), generator, optimizer, clip, runtime.processes)
    losses = {f"loss_{name}": term.detach() for name, term in terms.items()}
    return runtime.processes.averaged({**losses, "gradient_norm_g": norm})


def adversarial_step(
    nets: Adversaries,
    lr: Tensor,
    hr: Tensor,
    loss_g: GeneratorLoss,
    loss_d: DiscriminatorLoss,
    clip: float | None,
    runtime: Runtime,
) -> dict[str, Tensor]:
    """One update of the discriminator, then one of the generator.

    Args:
        nets: moved.
        lr: (N, 3, h, w) in [0, 1].
        hr: (N, 3, scale · h, scale · w) in [0, 1].
        loss_g, loss_d: the two sides of the game.
        clip: as of `descend`, for each network.
        runtime: precision.

    Returns:
        Losses, mean probabilities and gradient norms, still on the device: reading them would
        wait for it.
    """
    runtime.begin_update()
    with runtime.autocast():
        sr = nets.generator(lr)
    sr, hr = shifted(sr.float(), hr, nets.generator.scale, nets.random)
    values = discriminator_step(nets, sr.detach(), hr, loss_d, clip, runtime)
    networks = nets.generator, nets.discriminator, nets.optimizer_g
    return values | generator_step(*networks, sr, hr, loss_g, clip, runtime)


def unopposed_step(
    generator: Generator,
    optimizer: torch.optim.Optimizer,
    random: torch.Generator,
    lr: Tensor,
    hr: Tensor,
    loss_g: GeneratorLoss,
    clip: float | None,
    runtime: Runtime,
) -> dict[str, Tensor]:
    """One update of the generator as in `adversarial_step`, without a discriminator.

    Arguments and result are those of that, without the discriminator's part; `random` draws the
    window.
    """
    runtime.begin_update()
    with runtime.autocast():
        sr = generator(lr)
    sr, hr = shifted(sr.float(), hr, generator.scale, random)
    return generator_step(generator, None, optimizer, sr, hr, loss_g, clip, runtime)
