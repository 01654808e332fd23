"""Training images that a GPU has no room for stay in their files, and are read batch by batch."""

import numpy as np
import pytest
import torch

from srgan_ab.classifier.training import Examples, resident
from srgan_ab.common.packs import Pack
from srgan_ab.common.runtime import Runtime
from srgan_ab.srgan.crops import Crops
from srgan_ab.srgan.progress import at_hand

CPU, GPU, META = map(torch.device, ("cpu", "cuda", "meta"))
GB = 10**9


@pytest.mark.parametrize(
    ("device", "streaming", "size", "kept"),
    [
        (GPU, "auto", 3 * GB, True),
        (GPU, "auto", 6 * GB, False),
        (GPU, False, 6 * GB, True),
        (GPU, True, 1, False),
        (CPU, "auto", 600 * GB, True),  # mapped: nothing is copied
        (CPU, True, 1, False),
    ],
)
def test_a_gpu_keeps_what_half_of_its_free_memory_holds(monkeypatch, device, streaming, size, kept):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (10 * GB, 80 * GB))
    assert Runtime(device, "fp32", streaming=streaming).has_room(size) == kept


@pytest.mark.parametrize(("streaming", "place"), [(True, "cpu"), (False, "meta")])
def test_images_are_where_there_is_room(streaming, place):
    """The device meta has no numbers, but a place."""
    runtime = Runtime(META, "fp32", streaming=streaming)
    images = np.zeros((6, 8, 8, 3), np.uint8)
    pack = Pack(images, images[:, ::4, ::4], np.zeros(6, np.int64), None)
    assert [x.device.type for x in at_hand(pack, runtime)] == [place] * 2
    stored = resident(Examples(images, pack.labels), runtime).images
    assert torch.as_tensor(stored).device.type == place
    assert len(stored) == 6


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_streamed_images_give_the_same_batches():
    lr = torch.randint(0, 256, (10, 8, 8, 3), dtype=torch.uint8)
    hr = lr.repeat_interleave(4, 1).repeat_interleave(4, 2)
    streamed, kept = (
        Crops(*images, 16, 4, True, True, torch.Generator(GPU).manual_seed(0), device=GPU)
        for images in ((lr, hr), (lr.to(GPU), hr.to(GPU)))
    )
    assert streamed.streamed and not kept.streamed
    for _ in range(2 * len(kept)):
        for ours, theirs in zip(streamed.next(), kept.next(), strict=True):
            assert torch.equal(ours, theirs)
