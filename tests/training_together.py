"""Trainings of ten updates by some number of processes; what came of them, for tests to compare.

A script, whose arguments are their number and a folder: the first process writes what it has, and
every process the digest of what it has, which must be the same. It wants tests/unit on its path.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save, save_file
from test_classifier_training import settings as of_classifier
from test_classifier_training import textures
from toy_srgan import settings as of_srgan

from srgan_ab.classifier.backbones import build
from srgan_ab.classifier.prediction import logits
from srgan_ab.classifier.training import fit
from srgan_ab.common import joining
from srgan_ab.common.runtime import prepare
from srgan_ab.common.schema import RuntimeParams
from srgan_ab.quality.feature_distance import mean_distances
from srgan_ab.quality.image_quality import lr_psnr, measure
from srgan_ab.quality.realism import realism
from srgan_ab.srgan.discriminator import Discriminator
from srgan_ab.srgan.generator import Generator
from srgan_ab.srgan.phases import adversarial, pretraining
from srgan_ab.srgan.upscaling import upscale

UPDATES = 10
SHARED = {"batch_size": 6, "generator__normalization": "batch", "ema": 0.5}
ROUGH = {"degradation__probability": 0.5, "degradation__noise": [0.0, 9.0]}
GAMES = {  # what looks at the batch as a whole, or remembers
    "relativistic": {
        **{"adversarial__loss": "relativistic", "adversarial__history": 6},
        **{"adversarial__label_noise": 0.1, "adversarial__r1": 1.0, "adversarial__r2": 1.0},
        **{"discriminator__normalization": "none", "gradient_clip": 0.1},
    },
    "normalised": {"adversarial__warm_up": 3, "adversarial__loss": "lsgan"},
}


def images():
    """20 pictures at random, lr and hr."""
    lr = torch.randint(0, 256, (20, 8, 8, 3), generator=torch.Generator().manual_seed(1))
    lr = lr.to(torch.uint8)
    return lr, lr.repeat_interleave(4, 1).repeat_interleave(4, 2)


def states(phase):
    """Weights, averages and watched values of a phase."""
    found = {f"{n}.{k}": v for n, m in phase.modules.items() for k, v in m.state_dict().items()}
    found |= {f"averaged.{k}": v for k, v in phase.averaged.state_dict().items()}
    found |= {f"watched.{name}": of for name, of in phase.watched.so_far().items()}
    return {k: v.detach().clone() for k, v in found.items() if isinstance(v, torch.Tensor)}


def srresnet(runtime):
    """The pre-training, with rougher crops."""
    chosen = of_srgan(**SHARED, **ROUGH)
    torch.manual_seed(2)
    generator = Generator(**chosen.generator.architecture(4))
    phase = pretraining(generator, *images(), chosen, runtime, 3)
    for _ in range(UPDATES):
        phase.update()
    return states(phase)


def srgan(runtime, **changes):
    """The adversarial phase."""
    chosen = of_srgan(**SHARED | changes)
    torch.manual_seed(4)
    generator = Generator(**chosen.generator.architecture(4))
    discriminator = Discriminator(**chosen.discriminator.model_dump())

    def distance(sr, hr):
        return (sr - hr).abs().flatten(1).mean(1)

    phase = adversarial(generator, discriminator, distance, *images(), chosen, runtime, 5)
    phase.run_warm_up(lambda: None)
    for _ in range(UPDATES):
        phase.update()
    return states(phase)


def classifier(runtime):
    """A network with BatchNorm and dropout, on augmented images."""
    torch.manual_seed(6)
    network = build("small_cnn", None, "none")
    chosen = of_classifier(epochs=2, batch_size=6, learning_rate=1e-3)
    _, history = fit(network, textures(50, 1), textures(20, 2), chosen, 5, runtime, 7)
    rows = {f"history.{name}": torch.tensor(history[name].to_numpy()) for name in history}
    return network.state_dict() | rows


def outputs_of_timm(runtime):
    """Of a network whose BatchNorm is none of torch's own, and its loss's gradient."""
    torch.manual_seed(8)
    network = build("timm/tf_efficientnet_lite0", None, "none").train()
    batch = torch.rand(6, 3, 64, 64)
    with runtime.autocast():
        outputs = network(runtime.processes.share(batch))
    outputs.square().mean().backward()
    runtime.processes.average_gradients(network.parameters())
    gradients = {f"gradient.{k}": p.grad for k, p in network.named_parameters()}
    buffers = {k: v for k, v in network.named_buffers() if k.endswith("running_var")}
    return {"outputs": runtime.processes.gather(outputs.detach())} | gradients | buffers


def batches(runtime):
    """What is shared by whole batches: several for each process, the last of them ragged."""
    shared, random = {"processes": runtime.processes}, np.random.default_rng(9)
    lr = random.integers(0, 256, (150, 8, 8, 3), np.uint8)
    hr = random.integers(0, 256, (150, 32, 32, 3), np.uint8)
    torch.manual_seed(10)
    sr, generator = np.empty_like(hr), Generator(1, 4, "none").eval()
    rows = np.arange(0, 150, 3)  # others are written before
    sr[:] = 7
    upscale(generator, lr, sr, runtime, 4, rows, **shared)
    network = build("small_cnn", None, "none")
    values = measure(sr, hr, None, runtime.device, 4, 7, **shared)
    values |= {"lr": lr_psnr(sr, lr, runtime.device, batch_size=7, **shared)}
    both = {"sr": sr, "hr": hr}
    values |= mean_distances(both, hr, lambda x: [x, x[..., ::2]], runtime.device, 7, **shared)
    first, second = slice(0, 40), slice(40, 150)  # two batches of 64 and a part to ask about
    pairs = (sr[first], hr[first]), [(sr[second], hr[second])]
    values["realism"] = realism(*pairs, 11, runtime.device, **shared)[0]
    found = {name: torch.tensor(x) for name, x in values.items() if x is not None}
    found["logits"] = logits(network, hr, runtime, 7, **shared)
    return found | {"enlarged": torch.from_numpy(sr)}


def main(count: int, directory: Path) -> None:
    """Train all of them, and write."""
    runtime = prepare(
        RuntimeParams(
            portable=False,
            device="cpu",
            precision="fp32",
            compile=None,
            threads=1,
            workers=None,
            devices=count,
            nodes=1,
            strategy="auto",
            streaming="auto",
        ),
        seed=0,
        together=True,
    )
    trained = {"srresnet": srresnet(runtime)}
    trained |= {name: srgan(runtime, **changes) for name, changes in GAMES.items()}
    trained |= {"classifier": classifier(runtime), "timm": outputs_of_timm(runtime)}
    trained["batches"] = batches(runtime)
    flat = {f"{name}/{k}": v.contiguous() for name, of in trained.items() for k, v in of.items()}
    rank = runtime.processes.rank
    (directory / f"digest_{rank}").write_text(hashlib.sha256(save(flat)).hexdigest())
    if rank == 0:
        save_file(flat, directory / "trained.safetensors")
    joining.leave()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
