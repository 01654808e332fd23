"""The compiled SRGAN: a graph per network, and nothing is read that CUDA graphs take away."""

import copy

import pytest
import torch
from functorch.compile import make_boxed_func
from torch import Tensor
from torch._dynamo.backends.common import aot_autograd
from toy_srgan import Features

from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.history import History
from srgan_ab.srgan.losses import PIXEL_LOSSES
from srgan_ab.srgan.objectives import DiscriminatorLoss, GeneratorLoss
from srgan_ab.srgan.steps import (
    Adversaries,
    adversarial_step,
    pretrain_step,
)

RUNTIME = Runtime(torch.device("cpu"), "fp32", "reduce-overhead")
UPDATES = 4


@pytest.fixture(autouse=True)
def forgotten():
    """Graphs of one test are not those of the next."""
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


class CudaGraphs:
    """A compiler's backend on the CPU with the one trait of CUDA graphs that a training must mind.

    What a graph returns, gradients among it, lies in memory of its own, and the next update writes
    over it. Here `begin_update` fills it with NaN instead.
    """

    def __init__(self):
        self.returned: list[Tensor] = []
        self.graphs = self.updates = 0
        self.backend = aot_autograd(fw_compiler=self._compile, bw_compiler=self._compile)

    def _compile(self, graph, example_inputs):
        self.graphs += 1

        def run(*args):
            results = graph(*args)
            given = {x.untyped_storage().data_ptr() for x in args if isinstance(x, Tensor)}
            self.returned += [
                x.detach()  # an alias: a gradient that somebody else holds would be copied
                for x in results
                if isinstance(x, Tensor)
                and x.is_floating_point()
                and x.untyped_storage().data_ptr() not in given
            ]
            return results

        return make_boxed_func(run)

    def begin_update(self):
        self.updates += 1
        with torch.no_grad():
            for tensor in self.returned:
                tensor.fill_(torch.nan)
        self.returned.clear()


def train(compiled, kind="bce", spectral_norm=False):
    """A few updates of both phases, with everything on that looks back; `compiled` its networks."""
    torch.manual_seed(0)
    generator, features = Generator(1, 4), Features()
    discriminator = Discriminator(4, spectral_norm=spectral_norm)
    for network in (generator, discriminator, features):
        compiled(network)
    # a bias before BatchNorm has a gradient of rounding alone, which a small eps would blow up
    optimizers = [
        torch.optim.Adam(x.parameters(), 1e-3, eps=1e-2, fused=True)
        for x in (generator, discriminator)
    ]
    random = torch.Generator().manual_seed(0)
    history = History(4, (3, 28, 28))
    nets = Adversaries(generator, discriminator, *optimizers, history, random)
    weights = dict.fromkeys(
        ("pixel", "perceptual", "adversarial", "total_variation", "lattice"), 1.0
    )
    loss_g = GeneratorLoss(PIXEL_LOSSES["mse"], features, kind, weights, 4)
    loss_d = DiscriminatorLoss(kind, 0.1, 0.1, 0.0, 0.0)
    rows = []
    for _ in range(UPDATES):
        batch = torch.rand(4, 3, 8, 8), torch.rand(4, 3, 32, 32)
        rows.append(
            pretrain_step(generator, optimizers[0], *batch, PIXEL_LOSSES["l1"], 1.0, RUNTIME)
        )
    for _ in range(UPDATES):
        batch = torch.rand(4, 3, 8, 8), torch.rand(4, 3, 32, 32)
        rows.append(adversarial_step(nets, *batch, loss_g, loss_d, 1.0, RUNTIME))
    return rows, [copy.deepcopy(x.state_dict()) for x in (generator, discriminator)], history


def test_a_copy_of_a_compiled_network_is_not_compiled():
    """So the averaged generator of a training, whose batches have other shapes, has no graph."""
    generator = Generator(1, 4)
    generator.compile(backend=CudaGraphs().backend)
    assert copy.deepcopy(generator)._compiled_call_impl is None


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bce", "relativistic"])
def test_no_update_reads_what_the_last_one_left_in_a_graph(kind, monkeypatch):
    plain_rows, plain, _ = train(lambda network: None, kind)
    graphs = CudaGraphs()
    monkeypatch.setattr(torch.compiler, "cudagraph_mark_step_begin", graphs.begin_update)
    rows, states, history = train(lambda x: x.compile(backend=graphs.backend, fullgraph=True), kind)
    assert graphs.updates == 2 * UPDATES
    assert graphs.graphs >= 6  # three networks, forward and backward
    graphs.begin_update()  # what is kept beyond an update lies elsewhere
    torch.testing.assert_close(rows, plain_rows, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(states, plain, rtol=1e-3, atol=1e-4)
    assert history.images.isfinite().all()


def test_what_is_returned_is_lost_with_the_next_update():
    """The test above would find out: an output that is read an update later is NaN."""
    graphs, generator = CudaGraphs(), Generator(1, 4)
    generator.compile(backend=graphs.backend)
    sr = generator(torch.rand(2, 3, 8, 8))
    sr.mean().backward()
    assert sr.isfinite().all()
    graphs.begin_update()
    assert sr.isnan().all()
    assert all(p.grad.isnan().all() for p in generator.tail.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("spectral_norm", [False, True])
def test_each_network_is_one_graph(spectral_norm):
    """A break would cost launches and memory traffic, unseen; `fullgraph` makes it an error."""
    rows, _, _ = train(lambda x: x.compile(backend="eager", fullgraph=True), "bce", spectral_norm)
    assert all(value.isfinite() for row in rows for value in row.values())
