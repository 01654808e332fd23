"""Training batches: LR and HR stay aligned, values exact, every image seen once a pass."""

import numpy as np
import pytest
import torch

from srgan_ab.common.tensors import as_float, as_uint8
from srgan_ab.srgan.crops import Crops


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def one_pass(lr, hr, crop, batch_size, random, flip=True, turn=True):
    crops = Crops(lr, hr, crop, batch_size, flip, turn, random)
    return [crops.next() for _ in range(len(crops))]


def pairs(n=5, size=8):
    """Pairs whose HR is four times the LR by nearest neighbour: alignment is exact equality."""
    lr = torch.randint(0, 256, (n, size, size, 3), dtype=torch.uint8, generator=generator(3))
    return lr, lr.repeat_interleave(4, 1).repeat_interleave(4, 2)


def test_every_byte_survives_the_round_trip():
    image = torch.arange(256, dtype=torch.uint8).view(1, 16, 16, 1).expand(1, 16, 16, 3)
    assert torch.equal(as_uint8(as_float(image)), image)


def test_colour_channels_keep_their_order():
    red = torch.tensor([255, 0, 0], dtype=torch.uint8).expand(1, 4, 4, 3)
    assert as_float(red)[0, :, 0, 0].tolist() == [1.0, 0.0, 0.0]


def test_overshoot_is_clamped_not_wrapped():
    assert as_uint8(torch.tensor([-0.2, 0.5, 1.3]).view(1, 3, 1, 1)).flatten().tolist() == [
        0,
        128,
        255,
    ]


def test_lr_and_hr_stay_aligned_under_every_crop_flip_and_turn():
    lr, hr = pairs(n=64)
    for lr_batch, hr_batch in one_pass(lr, hr, 16, 16, generator()):
        assert lr_batch.shape == (16, 3, 4, 4)
        assert torch.equal(hr_batch, lr_batch.repeat_interleave(4, 2).repeat_interleave(4, 3))


SQUARE = np.arange(16).reshape(4, 4)
ROTATIONS = [np.rot90(SQUARE, k) for k in range(4)]
REFLECTIONS = [np.rot90(SQUARE.T, k) for k in range(4)]


@pytest.mark.parametrize(
    ("flip", "turn", "expected"),
    [
        (False, False, [SQUARE]),
        (True, False, [SQUARE, SQUARE[:, ::-1]]),
        (False, True, ROTATIONS),
        (True, True, ROTATIONS + REFLECTIONS),
    ],
)
def test_the_symmetries_asked_for_occur_and_no_other(flip, turn, expected):
    lr = torch.arange(16, dtype=torch.uint8).view(1, 4, 4, 1).expand(400, 4, 4, 3).contiguous()
    hr = lr.repeat_interleave(4, 1).repeat_interleave(4, 2)
    ((batch, _),) = one_pass(lr, hr, 16, 400, generator(), flip, turn)
    seen = [tuple(x[0].mul(255).round().int().flatten().tolist()) for x in batch]
    wanted = {tuple(s.flatten().tolist()) for s in expected}
    assert set(seen) == wanted
    assert min(seen.count(s) for s in wanted) > 0.6 * 400 / len(wanted)


@pytest.mark.parametrize("n", [1, 7, 8, 9])
def test_one_pass_shows_every_image_in_full_batches(n):
    lr = torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1).expand(n, 2, 2, 3).contiguous()
    hr = lr.repeat_interleave(4, 1).repeat_interleave(4, 2)
    batches = one_pass(lr, hr, 8, 4, generator())
    assert all(len(batch) == 4 for batch, _ in batches)
    values = torch.cat([b[:, 0, 0, 0] for b, _ in batches]).mul(255).round().int().tolist()
    assert set(values) == set(range(n))
    assert len(set(values[:n])) == n


def test_the_seed_decides():
    lr, hr = pairs(n=8)
    draws = [one_pass(lr, hr, 16, 8, generator(seed))[0][0] for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_it_goes_on_in_the_middle_of_a_pass():
    lr, hr = pairs(n=10)
    crops = Crops(lr, hr, 16, 4, True, True, generator())
    crops.next()
    state = {k: v.clone() if torch.is_tensor(v) else v for k, v in crops.state_dict().items()}
    rest = [crops.next() for _ in range(4)]  # over the end of the pass
    other = Crops(lr, hr, 16, 4, True, True, generator(9))
    other.load_state_dict(state)
    for ours, theirs in zip(rest, [other.next() for _ in range(4)], strict=True):
        assert torch.equal(ours[0], theirs[0]) and torch.equal(ours[1], theirs[1])


def test_images_that_are_streamed_give_the_same_batches():
    """Two passes of images that a batch is copied from, as where a device has no room for them."""
    lr, hr = pairs(n=10)
    here, streamed = (Crops(lr, hr, 16, 4, True, True, generator()) for _ in range(2))
    streamed.streamed = True
    for _ in range(2 * len(here)):
        for ours, theirs in zip(streamed.next(), here.next(), strict=True):
            assert torch.equal(ours, theirs)
