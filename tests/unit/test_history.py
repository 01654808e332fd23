"""The history of generated images: half old, half new, nothing lost or invented."""

import torch

from srgan_ab.srgan.history import History


def numbered(first, n=4):
    return torch.arange(first, first + n).view(n, 1, 1, 1).expand(n, 3, 2, 2).float()


def numbers(images):
    return images[:, 0, 0, 0].int().tolist()


def test_it_fills_with_half_batches_and_then_exchanges_them():
    history, random = History(5, (3, 2, 2)), torch.Generator().manual_seed(0)
    for first in (0, 10, 20):
        assert numbers(history.mix(numbered(first), random)) == numbers(numbered(first))
    assert numbers(history.images) == [0, 1, 10, 11, 20]
    before = numbers(history.images)
    mixed = numbers(history.mix(numbered(30), random))
    assert mixed[2:] == [32, 33]
    assert set(mixed[:2]) < set(before)
    assert sorted([*numbers(history.images), *mixed[:2]]) == sorted([*before, 30, 31])


def test_its_state_is_kept_with_the_networks():
    random = torch.Generator().manual_seed(0)
    history, other = History(2, (3, 2, 2)), History(2, (3, 2, 2))
    history.mix(numbered(5), random)
    other.load_state_dict(history.state_dict())
    assert numbers(other.mix(numbered(9), torch.Generator().manual_seed(1)))[2:] == [11, 12]
    assert sorted(numbers(other.images)) == [9, 10]
