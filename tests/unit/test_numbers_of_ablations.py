"""Each number of the conclusions in docs/ablations.md follows from the tables above them."""

import re

import pytest
from documents import document, prose, rows, section

ABLATIONS = document("docs/ablations.md")

# numbers of the ablations' conclusions that are not in the tables above them
ELSEWHERE = {
    "0.0004": "rate of pre-training",
    "0.001": "rate of pre-training",
    "0.005": "spread over seeds, below",
    "0.055": "spread over seeds, below",
    "26.2": "the PSNR at which all are compared",
    "0.4": "lattice of the photographs",
    "0.5": "a published comparison",
    "0.8": "a published comparison",
    "1.5": "a difference, below",
    "0.3": "the run on all photographs: TestGenerator",
    "0.141": "the run on all photographs: TestGenerator",
    "0.146": "the run on all photographs: TestGenerator",
    "0.152": "the preset photos, in docs/results.md",
    "9.6": "the preset photos, in docs/results.md",
    "2.9": "the preset photos, in docs/results.md",
    # of single seeds and last epochs, measured when the tables were, in no kept file
    "0.168": "reference, seed 7",
    "26.0": "reference, seed 7",
    "0.165": "lpips_crop_96 without EMA, seed 7",
    "0.158": "lpips_crop_96, seed 7",
    "0.176": "crop_96 without EMA, seed 7",
    "0.1701": "reference, last epoch, seed 7",
    "0.1698": "reference without EMA, last epoch, seed 7",
}


class TestAblations:
    """Each number of the conclusions stands in the tables, or in ELSEWHERE."""

    @staticmethod
    def cells(heading: str) -> dict[str, dict[str, list[float]]]:
        """Of a table: variant and column to the numbers in the cell, mean first, then the range."""
        head, *lines = [r for r in rows(section(ABLATIONS, heading)) if set(r[0]) != {"-", " "}]
        return {
            line[0]: {
                name: [float(x) for x in re.findall(r"-?\d+(?:\.\d+)?", cell)]
                for name, cell in zip(head, line, strict=True)
            }
            for line in lines
            if not line[0].startswith("--")
        }

    @pytest.fixture
    def reached(self):
        return self.cells("### What was reached")

    @pytest.fixture
    def at_one_psnr(self):
        return self.cells("### At one PSNR")

    def test_numbers_stand_in_the_tables(self, reached, at_one_psnr):
        tables = [
            number
            for table in (reached, at_one_psnr)
            for columns in table.values()
            for cell in columns.values()
            for number in cell
        ]
        text = re.sub(r"\([^ ]+\.(md|json)\)", "", section(ABLATIONS, "## What follows"))
        said = set(re.findall(r"(?<![\d.])\d+\.\d+(?!\d)", text))
        assert len(said) > 40
        for number in sorted(said - ELSEWHERE.keys()):
            half = 0.5 * 10.0 ** -len(number.partition(".")[2]) + 1e-9
            assert any(abs(x - float(number)) <= half for x in tables), number
        assert ELSEWHERE.keys() <= said

    def test_spread_over_seeds(self, reached, at_one_psnr):
        said = []
        for table in (at_one_psnr, reached):
            ranges = [cells["LPIPS"] for cells in table.values() if len(cells["LPIPS"]) == 3]
            assert len(ranges) == 6
            spread = [high - low for _, low, high in ranges]
            said += [f"{min(spread):.3f} to {max(spread):.3f}"]
        assert f"{said[0]} between the least and the greatest" in prose(ABLATIONS)
        assert f"as reached, by {said[1]}" in prose(ABLATIONS)

    def test_the_lattice(self, reached):
        text, lattice = prose(ABLATIONS), {name: c["lattice"] for name, c in reached.items()}
        of_lpips = [x for name, values in lattice.items() if "lpips" in name for x in values]
        assert f"LPIPS {min(of_lpips)} to {max(of_lpips)}." in text
        # of conv3_1, without what was trained from the pre-training that failed
        well = {"mse_pretraining", "lower_rate", "crop_96", "crop_96_relativistic", "r1_r2"}
        well |= {"batch_norm_lower_rate", "pixel_shuffle_lower_rate", "no_pretraining"}
        values = [x for name in well for x in lattice[name]]
        assert f"has {min(values):.0f} to {max(values):.0f} dB of it" in text

    def test_every_pretraining_at_the_lower_rate_succeeds(self, reached):
        names = ("lower_rate", "batch_norm_lower_rate", "mse_pretraining", "crop_96")
        values = [x for n in (*names, "lpips_lower_rate") for x in reached[n]["SRResNet PSNR"]]
        assert f"reach {min(values):.2f} to {max(values):.2f} dB" in prose(ABLATIONS)

    def test_the_bicubic_skip(self, reached):
        best, without = (
            max(reached[name]["SRResNet PSNR"]) for name in ("reference", "no_bicubic_skip")
        )
        assert best - without > 1.5
        assert f"SRResNet {best:.2f} against {without:.2f} dB" in prose(ABLATIONS)

    def test_larger_crops_are_best_on_average(self, at_one_psnr):
        for measure in ("LPIPS", "VGG19", "MobileNetV2"):
            mean, _, worst = at_one_psnr["crop_96"][measure]
            assert mean == min(cells[measure][0] for cells in at_one_psnr.values())
            assert worst < at_one_psnr["lower_rate"][measure][0]
