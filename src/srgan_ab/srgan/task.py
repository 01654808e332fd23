"""The task-driven perceptual loss: features of the classifier that is to tell the images apart."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srgan_ab.common.errors import UserError
from srgan_ab.common.tensors import IMAGENET_MEAN, IMAGENET_STD


def last_map(network: nn.Module, images: Tensor) -> str:
    """Name of the module that gives a network's last feature map, the one before pooling.

    Args:
        network: a classifier, of any architecture.
        images: (N, 3, H, W), which it looks at once.

    Raises:
        RuntimeError: nothing in it gives a map of more than one place, or its layers leave nothing
            of so small an image.
    """
    found: list[str] = []

    def note(name: str):
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            if isinstance(output, Tensor) and output.ndim == 4 and output[0, 0].numel() > 1:
                found.append(name)

        return hook

    handles = [m.register_forward_hook(note(n)) for n, m in network.named_modules() if n]
    try:
        with torch.no_grad():
            network(images)
    finally:
        for handle in handles:
            handle.remove()
    if not found:
        raise RuntimeError("no feature map")
    return found[-1]


class TaskLoss(nn.Module):
    """Mean absolute difference of a classifier's features of two images.

    Kim, Oh and Lee 2024 (SR4IR, CVPR, arXiv 2404.01692, section 3.2), who take the last feature map
    before pooling. Where an arm has several networks, it is the mean over them, so that none is
    preferred. They stand still: neither their weights nor statistics of BatchNorm change.

    Args:
        classifiers: of one architecture, each (N, 3, H, W), normalised by ImageNet's mean and
            deviation, to logits; on one device. Their parameters no longer require gradients.
        layer: name of the module whose output is compared; None = `last_map`.
        weight: of this term in the generator's loss.
        side: height and width of the images, in pixels.

    Raises:
        UserError: there is no such layer, or nothing is left of so small an image there.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, classifiers: Sequence[nn.Module], layer: str | None, weight: float, side: int
    ):
        super().__init__()
        self.classifiers = nn.ModuleList(classifiers).eval().requires_grad_(False)
        self.weight = weight
        device = next(classifiers[0].parameters()).device
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN, device=device).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD, device=device).view(1, 3, 1, 1))
        names = [name for name, _ in classifiers[0].named_modules() if name]
        if layer is not None and layer not in names:
            some = " ".join(names[:30])
            raise UserError(
                f"task.layer is {layer!r}, but classifier A has {some}: name one of its"
            )
        try:
            images = torch.zeros(2, 3, side, side, device=device)
            self.layer = layer or last_map(classifiers[0], images)
            left = self._of(classifiers[0], images).numel()
        except (RuntimeError, AssertionError):
            left = 0
        if not left:
            raise UserError(
                f"classifier A leaves nothing of a window of {side} pixels, srgan.crop less one LR "
                "pixel: raise srgan.crop, or set task.layer to a shallower layer"
            )

    def _of(self, classifier: nn.Module, images: Tensor) -> Tensor:
        outputs: list[Tensor] = []
        # a copy, as the next layer may work in place
        keep = classifier.get_submodule(self.layer).register_forward_hook(
            lambda _module, _inputs, output: outputs.append(output.clone())
        )
        try:
            classifier(images)
        finally:
            keep.remove()
        return outputs[-1]

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        """Compare.

        Args:
            sr: (N, 3, H, W) in [0, 1]; the gradient goes to it.
            hr: (N, 3, H, W) in [0, 1]; no gradient is computed for it.
        """
        sr, hr = ((images - self.mean) / self.std for images in (sr, hr))
        distances = []
        for classifier in self.classifiers:
            with torch.no_grad():
                target = self._of(classifier, hr)
            distances.append(F.l1_loss(self._of(classifier, sr).float(), target.float()))
        return torch.stack(distances).mean()
