"""A short run of tests/fuzz.py, of the same cases every time."""

from collections import Counter

from fuzz import outcome


def test_damage_at_random_is_a_rejection_or_a_sentence(tmp_path):
    counts = Counter(outcome(seed, tmp_path) for seed in range(300))
    assert list(tmp_path.iterdir()) == []
    assert len(counts) > 40  # of every kind
    accepted = sum(n for what, n in counts.items() if what.endswith("accepted"))
    assert 20 < accepted < 200
