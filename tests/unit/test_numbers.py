"""Numbers in the sentences of README and docs follow from the files that they speak of.

The tables are checked by test_docs.py and test_results.py. A number is rounded once, from the kept
file, here and in the documents.
"""

import io
import json
import math
import re

import pandas as pd
import pytest
from documents import document, prose, rows, section
from repository import ROOT, committed_run

KEPT = ROOT / "docs/full-cpu"


def kept(name: str):
    return json.loads((KEPT / f"{name}.json").read_text())


def points(value: float, decimals: int) -> str:
    """A share, or a difference of two, in percentage points."""
    return f"{100 * abs(value):.{decimals}f}"


def difference(result: dict, decimals: int) -> tuple[str, str, str]:
    """Size of a difference and the ends of its interval, smaller end first."""
    low, high = sorted((abs(result["low"]), abs(result["high"])))
    return tuple(points(value, decimals) for value in (result["difference"], low, high))


README = document("README.md")
RESULTS = document("docs/results.md").split("\n## 3,000")[0]  # of the full photographs


class TestHeadline:
    """README's answer, and what docs/results.md says of the same run."""

    def test_the_table_is_rounded_once(self):
        matrix = kept("matrix")
        table = rows(section(README, "## The answer on photographs"))[1:]
        assert [arm for arm, *_ in table] == ["A", "B", "B+", "C", "C+", "R"]
        for (_, _, *cells), domains in zip(table, matrix.values(), strict=True):
            for domain, cell in zip(domains, cells, strict=True):
                wrong = 3 * 7199 * (1 - domains[domain]["accuracy"])
                assert wrong == pytest.approx(round(wrong), abs=0.2)  # calls of three networks
                assert cell == points(1 - round(wrong) / (3 * 7199), 1), domain

    @pytest.mark.parametrize(
        ("pair", "sentence"),
        [
            ("b_plus_minus_a", "B+ is {} points below A (95 % interval {} to {})"),
            ("b_minus_a", "B is {} points below A ({} to {})"),
            ("b_minus_c", "and {} above C, which bicubic images trained ({} to {})"),
            ("c_minus_a", "C itself is {} points below A ({} to {};"),
        ],
    )
    def test_a_difference(self, pair, sentence):
        result = kept("comparison")[pair]["accuracy"]
        assert sentence.format(*difference(result, 2)) in prose(README)

    def test_what_is_undecided(self):
        comparison = {pair: scores["accuracy"] for pair, scores in kept("comparison").items()}
        p = [f"{comparison[pair]['p_holm']:.3f}" for pair in ("b_minus_a", "b_minus_c")]
        assert f"(adjusted p = {p[0]} and {p[1]})" in prose(README)
        result = comparison["b_sr_minus_c_bicubic"]
        ends = f"−{points(result['low'], 2)} to +{points(result['high'], 2)} points"
        assert result["low"] < 0 < result["high"] and ends in prose(README)

    def test_the_verdict_in_the_results_is_the_kept_one(self):
        verdict = (KEPT / "verdict.md").read_text()
        for line in re.findall(r"^- .*$", verdict, re.M):
            assert line in prose(RESULTS), line

    def test_spread_over_the_networks(self):
        comparison = kept("comparison")
        for pair, decimals, sentence in (
            ("b_minus_a", 1, "({} to {} points below A in each of three networks)"),
            ("c_minus_a", 0, "bicubic ones do not ({} to {} points)"),
        ):
            each = sorted(abs(x) for x in comparison[pair]["accuracy"]["of_replicates"])
            assert sentence.format(*(points(x, decimals) for x in (each[0], each[-1]))) in prose(
                RESULTS
            )


class TestGenerator:
    """What README and docs/results.md say of SRResNet, SRGAN and their discriminator."""

    def test_image_quality(self):
        quality = kept("sr")["test"]
        psnr = {name: quality[name]["psnr_rgb"] for name in ("bicubic", "srresnet", "srgan")}
        gain, rest = (psnr[name] - psnr["bicubic"] for name in ("srresnet", "srgan"))
        said = f"{gain:.2f} dB above bicubic (RGB, test); SRGAN trades all but {rest:.2f} dB"
        assert said in prose(RESULTS)

    def test_table_of_image_quality(self):
        quality = {name.lower(): v for split in kept("sr").values() for name, v in split.items()}
        of_sets = (row for row in rows(RESULTS) if len(row) == 7 and row[1] in kept("sr"))
        table = [row for row in of_sets if row[0].lower() in quality]
        assert len(table) == 2 * len(quality)
        for name, split, *cells in table:
            stated = kept("sr")[split][name.lower()]
            for key, cell in zip(
                ("psnr_rgb", "psnr_y", "ssim_y", "lpips", "lr_psnr"), cells, strict=True
            ):
                decimals = len(cell.partition(".")[2])
                assert cell == f"{stated[key]:.{decimals}f}", (name, split, key)

    def test_what_the_averaged_generator_is_worth(self):
        metrics = kept("train_srgan")
        assert metrics["epoch"] == len(pd.read_csv(KEPT / "srgan.csv"))  # both are of one epoch
        averaged, plain = (
            [metrics[f"{name}_val_{key}"] for key in ("lpips", "psnr_rgb")]
            for name in ("srgan", "srgan_without_ema")
        )
        said = "LPIPS {:.3f} and {:.2f} dB against {:.3f} and {:.2f} dB on validation"
        assert said.format(*averaged, *plain) in prose(RESULTS)
        ablations = prose(document("docs/ablations.md"))
        assert f"{averaged[0]:.3f} and {plain[0]:.3f} in the run" in ablations

    def test_the_discriminator_is_hardly_better_than_a_constant(self):
        curves = pd.read_csv(KEPT / "srgan.csv")
        smoothed = 0.9  # label of real images
        same = smoothed / 2  # the best single answer to real and generated images
        constant = -(smoothed * math.log(same) + (2 - smoothed) * math.log(1 - same)) / 2
        (loss,) = {f"{value:.3f}" for value in curves["loss_d"]}
        last = curves.iloc[-1]
        assert constant - 0.01 < last["loss_d"] < constant
        for text in (README, RESULTS):
            assert f"{constant:.3f}" in text and f"loss is {loss}" in prose(text)
        said = "D(x) is {:.2f} and D(G(z)) {:.2f}, and it is right about {} % of the training crops"
        cells = (last["d_real"], last["d_fake"], points(last["d_accuracy"], 0))
        assert said.format(*cells) in prose(RESULTS)


def test_stage_times_are_the_same_in_both_documents():
    def seconds(text: str, heading: str) -> dict[str, str]:
        return {name: time for name, time, *_ in rows(section(text, heading))}

    results = seconds(RESULTS, "### Time")
    performance = seconds(document("docs/performance.md"), "## Stage by stage")
    both = results.keys() & performance.keys() - {"stage"}
    assert len(both) >= 7
    assert {name: performance[name] for name in both} == {name: results[name] for name in both}
    arms = [int(s.replace(",", "")) for name, s in results.items() if name.startswith("train_c")]
    arms += [int(results[name].replace(",", "")) for name in ("train_a", "train_b")]
    assert performance["a classifier arm, three networks"] == f"{min(arms)} to {max(arms):,}"


class TestDefaultRun:
    """README's sentences about the run that is committed."""

    @pytest.fixture
    def text(self):
        return prose(section(README, "## What `make repro` gives"))

    def test_images(self, text):
        split = json.loads(committed_run("metrics/split.json"))
        said = "{train} training, {val} validation and {test} test images"
        assert said.format(**split) in text

    def test_differences(self, text):
        comparison = json.loads(committed_run("metrics/comparison.json"))
        b, b_plus = (comparison[p]["accuracy"] for p in ("b_minus_a", "b_plus_minus_a"))
        assert b["low"] < 0 < b["high"] and b["difference"] < 0
        sentence = "of B from A is −{} points, which is undecided (95 % interval −{} to +{})"
        numbers = (points(b[key], 1) for key in ("difference", "low", "high"))
        assert sentence.format(*numbers) in text
        assert b_plus["low"] < 0 < b_plus["high"]
        ends = (points(b_plus[end], 1) for end in ("low", "high"))
        assert "and for B+ the interval goes from −{} to +{} points".format(*ends) in text

    def test_realism(self, text):
        quality = json.loads(committed_run("metrics/sr.json"))["test"]
        methods = ("srgan", "perceptual", "srresnet", "photographs")
        shares = [points(quality[method]["realism"], 0) for method in methods]
        said = "{} % of SRGAN's, {} % without the discriminator, {} % of SRResNet's, and {} % of"
        assert said.format(*shares) in text

    def test_the_discriminator_plays(self):
        curves = pd.read_csv(io.StringIO(committed_run("plots/srgan.csv")))
        least, most = (points(end(curves["d_accuracy_train"]), 0) for end in (min, max))
        quality = json.loads(committed_run("metrics/sr.json"))["test"]
        shares = [points(quality[method]["realism"], 0) for method in ("srgan", "perceptual")]
        text = prose(document("docs/ablations.md"))
        assert f"right about {least} to {most} % of the training crops after" in text
        said = "tells {} % of SRGAN's test images from real ones, {} % without"
        assert said.format(*shares) in text

    def test_a_and_c_away_from_what_they_were_trained_on(self, text):
        matrix = json.loads(committed_run("metrics/matrix.json"))
        a, c = (
            {domain: points(found["accuracy"], 1) for domain, found in matrix[arm].items()}
            for arm in ("a", "c")
        )
        said = (
            "A, which is {hr} % right on real images, is {sr} % right on SRGAN's and {bicubic} % on"
        )
        areas = (f"{matrix['a'][domain]['roc_auc']:.3f}" for domain in ("sr", "bicubic"))
        assert "(ROC-AUC {} and {}:".format(*areas) in text
        assert said.format(**a) in text
        assert (
            "C, trained on bicubic ones, is {bicubic} % right there and {hr} %".format(**c) in text
        )

    def test_the_margin_is_less_than_one_image(self, text):
        images = json.loads(committed_run("metrics/split.json"))["test"]
        assert 100 / images > 0.5
        assert f"less than one of {images} test images ({100 / images:.2f} points)" in text

    def test_what_is_not_measured_is_not_claimed(self, text):
        quality = json.loads(committed_run("metrics/sr.json"))["test"]["srgan"]
        assert (quality["lpips"] is None) == ("LPIPS is not measured in this run" in text)


@pytest.mark.parametrize(
    "name", ["README.md", *(f"docs/{p.name}" for p in sorted(KEPT.parent.glob("*.md")))]
)
def test_prose_is_wrapped(name):
    """At 100 columns; tables, code, pictures and what holds no space may be longer."""
    text = re.sub(r"^```.*?^```", "", document(name), flags=re.M | re.S)
    long = [line for line in text.splitlines() if len(line) > 100 and line[0] not in "|!"]
    assert [line for line in long if " " in line.strip()] == []
