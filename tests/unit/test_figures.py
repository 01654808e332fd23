"""The figure shows the numbers it was given; the sheets show the right images, errors framed."""

from itertools import product

import numpy as np
import pandas as pd
from PIL import Image

from srgan_ab.common.arms import ARMS, DOMAINS
from srgan_ab.common.pictures import GAP, TEXT
from srgan_ab.common.seeds import seed_for
from srgan_ab.reporting.figures import comparison, save_figure
from srgan_ab.reporting.galleries import FRAME, choose_images, prediction_sheet, rescued_sheet
from srgan_ab.statistics.significance import PAIRS


def figure(constant=()):
    line = pd.DataFrame({"fpr": [0, 0.1, 1], "tpr": [0, 0.8, 1]})
    matrix = {arm: {} for arm in ARMS}
    for i, (arm, domain) in enumerate(product(ARMS, DOMAINS)):
        matrix[arm][domain] = {"accuracy": 0.75 + i / 1000, "roc_auc": 0.91234 - i / 50}
        matrix[arm][domain] |= {"accuracy_low": 0.7 + i / 1000, "accuracy_high": 0.8 + i / 1000}
        recall = 0.0 if (arm, domain) in constant else 0.75
        matrix[arm][domain] |= {"balanced_accuracy": 0.5 if recall == 0 else 0.75, "recall": recall}
    undecided = {"difference": -0.0123, "low": -0.03, "high": 0.004, "p": 0.125}
    clear = {"difference": 0.05, "low": 0.02, "high": 0.08, "p": 0.0001, "p_holm": 0.0005}
    beside = {"difference": 0.011, "low": 0.005, "high": 0.016, "p": 0.0128, "p_holm": 0.0512}
    results = dict.fromkeys(PAIRS, undecided)
    results |= {"b_sr_minus_c_bicubic": clear, "b_minus_c": beside}
    return comparison(
        matrix,
        roc={"a": line, "b": line},
        differences={name: {"accuracy": result} for name, result in results.items()},
        images=7500,
        replicates=1,
        synthetic=True,
        b_images="sr",
    )


def texts(artist) -> str:
    return " | ".join(
        child.get_text() for child in artist.findobj(lambda x: hasattr(x, "get_text"))
    )


def test_comparison_says_what_it_was_given(tmp_path):
    drawn = figure()
    save_figure(drawn, tmp_path / "figure.png")
    words = texts(drawn)
    assert "7,500 synthetic test images, one network per arm" in words
    for i in range(len(ARMS) * len(DOMAINS)):
        assert f"{75 + i / 10:.1f}" in words
        assert f"{70 + i / 10:.1f} to {80 + i / 10:.1f}" in words
    assert "A: real HR, area 0.9123" in words
    assert "B on real HR − A on real HR" in words
    assert "B on SRGAN − C on bicubic" in words
    assert "−1.23 [−3.00, +0.40]" in words and "p = 0.125, not adjusted" in words
    assert "+5.00 [+2.00, +8.00]" in words and "p < 0.001, adjusted" in words
    assert "+1.10 [+0.50, +1.60]" in words and "p = 0.051, adjusted" in words
    assert "0.013" not in words  # one p for one difference, as in the verdict
    assert "false positive rate" in words and "percentage points" in words


def test_what_the_verdict_calls_undecided_is_not_filled():
    forest = figure().subfigs[1].axes[0]
    filled = [
        line.get_markerfacecolor() != "white" for line in forest.lines if line.get_marker() == "o"
    ]
    assert filled == [pair == "b_sr_minus_c_bicubic" for pair in PAIRS]


def test_two_constant_answers_get_a_cross():
    """Whatever p is, as the verdict calls them not comparable."""
    forest = figure(constant=PAIRS["b_sr_minus_c_bicubic"]).subfigs[1].axes[0]
    crosses = [line for line in forest.lines if line.get_marker() == "X"]
    assert [line.get_markerfacecolor() for line in crosses] == ["white"]
    assert crosses[0].get_ydata() == [list(PAIRS).index("b_sr_minus_c_bicubic")]
    words = "cross: both call nearly all images one class"
    assert words in forest.get_title()
    one = figure(constant=PAIRS["b_sr_minus_c_bicubic"][:1]).subfigs[1].axes[0]
    assert words not in one.get_title() and all(line.get_marker() != "X" for line in one.lines)


def test_figures_are_the_same_bytes_every_time(tmp_path):
    for name in ("one", "two"):
        save_figure(figure(), tmp_path / f"{name}.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert "Software" not in Image.open(tmp_path / "one.png").info


def test_sheet_frames_errors_and_leaves_the_rest_as_it_is():
    images = np.full((7, 128, 128, 3), 90, np.uint8)
    labels = np.array([0, 0, 1, 1, 1, 0, 1])
    probabilities = np.array([0.1, 0.5, 0.9, 0.2, 0.6, 0.3, 0.49])  # 1, 3 and 6 are wrong
    sheet = np.array(prediction_sheet(images, labels, probabilities, ["cat", "dog"], "A"))
    step = 128 + GAP
    for number in range(7):
        row, column = divmod(number, 6)
        top, left = TEXT + GAP + row * (step + TEXT), GAP + column * step
        tile = sheet[top : top + 128, left : left + 128]
        inner = tile[FRAME:-FRAME, FRAME:-FRAME]
        assert (inner == 90).all()
        border = (0xD5, 0x5E, 0x00) if number in (1, 3, 6) else (90, 90, 90)
        assert (tile[:FRAME] == border).all() and (tile[:, -FRAME:] == border).all()
    assert (images == 90).all()


def test_captions_tell_truth_call_and_probability():
    """The same tile with another caption differs below the image only."""
    image = np.zeros((1, 128, 128, 3), np.uint8)
    one, other = (
        np.array(prediction_sheet(image, np.array([0]), np.array([p]), ["cat", "dog"], "A"))
        for p in (0.1, 0.2)
    )
    rows = np.flatnonzero((one != other).any((1, 2)))
    assert rows.size and rows.min() >= TEXT + GAP + 128


def test_chosen_images_lead_with_errors_and_are_fixed():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 500)
    a, b = (np.where(rng.random(500) < 0.85, labels, 1 - labels) * 0.8 + 0.1 for _ in "ab")
    chosen = choose_images(labels, a, b, seed=3)
    assert len(set(chosen)) == 24
    assert np.array_equal(chosen, choose_images(labels, a, b, seed=3))
    assert not np.array_equal(chosen, choose_images(labels, a, b, seed=4))
    a_wrong, b_wrong = (a >= 0.5) != labels, (b >= 0.5) != labels
    both, only_a, only_b = chosen[:6], chosen[6:12], chosen[12:18]
    assert (a_wrong & b_wrong)[both].all()
    assert (a_wrong & ~b_wrong)[only_a].all()
    assert (~a_wrong & b_wrong)[only_b].all()


def test_images_without_errors_are_drawn_from_a_stream_of_their_own():
    """The bare seed is that of the bootstrap."""
    labels = np.arange(100) % 2
    chosen = choose_images(labels, labels * 0.8 + 0.1, labels * 0.8 + 0.1, seed=3)
    order = np.random.default_rng(seed_for("galleries", 3)).permutation(100)
    assert np.array_equal(chosen, order[:24])


def test_few_images_and_no_errors_are_no_trouble():
    labels = np.array([0, 1, 0, 1, 1])
    right = np.where(labels, 0.9, 0.1)
    assert sorted(choose_images(labels, right, right, seed=0)) == [0, 1, 2, 3, 4]


def test_images_that_gain_and_lose_most_stand_beside_each_other():
    """Each image is of one grey, by which its place is found; a frame says wrong."""
    labels, greys = np.array([0, 1, 0, 1, 1, 0]), np.arange(1, 7) * 30
    images = np.broadcast_to(greys[:, None, None, None], (6, 128, 128, 3)).astype(np.uint8)
    before = np.array([0.9, 0.2, 0.5, 0.9, 0.6, 0.1])  # of class 1; of the truth .1 .2 .5 .9 .6 .9
    after = np.array([0.1, 0.6, 0.5, 0.2, 0.55, 0.7])  # of the truth .9 .6 .5 .2 .55 .3
    versions = dict.fromkeys(("before", "after", "HR"), images)
    said = {"before": before, "after": after, "HR": labels.astype(float)}
    sheet = np.array(rescued_sheet(versions, labels, said, ["cat", "dog"], count=2))
    step_y, step_x = (sheet.shape[0] - 20) / 2, sheet.shape[1] / 6
    centres = [
        [sheet[int(20 + (r + 0.4) * step_y), int((c + 0.5) * step_x), 0] for c in range(6)]
        for r in range(2)
    ]
    assert centres == [[30] * 3 + [120] * 3, [60] * 3 + [180] * 3]  # +.8 −.7, +.4 −.6
    orange = (sheet == (213, 94, 0)).all(-1)
    framed = [
        [orange[:, int((c + 0.5) * step_x)][int(20 + r * step_y) :][:60].any() for c in range(6)]
        for r in range(2)
    ]
    assert framed == [[True, False, False, False, True, False]] * 2


def test_a_gallery_of_fewer_images_than_places_holds_them_all():
    images = np.zeros((1, 128, 128, 3), np.uint8)
    said = dict.fromkeys(("before", "after"), np.array([0.5]))
    versions = dict.fromkeys(said, images)
    assert rescued_sheet(versions, np.array([1]), said, ["cat", "dog"]).width > 4 * 128
