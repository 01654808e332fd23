"""Tables of the report whose columns depend on what was measured."""

from srgan_ab.reporting.image_tables import QUALITY_NAMES, quality_table

MEASURED = {"psnr_rgb": 28.0, "psnr_y": 29.0, "ssim_y": 0.8, "lpips": None, "lr_psnr": 40.0}


def test_what_was_asked_for_has_a_column():
    plain = quality_table("x", {"bicubic": MEASURED})
    absent = ("lite0_distance", "realism")
    assert plain.head == ["method", *(n for k, n in QUALITY_NAMES.items() if k not in absent)]
    judged = {"bicubic": MEASURED | {"realism": 0.9}, "photographs": {"realism": 0.5}}
    table = quality_table("x", judged | {"lanczos": MEASURED})
    assert table.head[-1] == QUALITY_NAMES["realism"]
    texts = [[cell.text for cell in row] for row in table.rows]
    assert [row[0] for row in texts] == ["bicubic", "real against real", "Lanczos"]
    assert [row[-1] for row in texts] == ["0.900", "0.500", "not measured"]
    assert texts[1][1:-1] == ["not measured"] * 5


def test_the_best_of_each_measure_is_marked_as_it_is_shown():
    quality = {
        "bicubic": {"psnr_rgb": 28.001, "lite0_distance": 2.5, "realism": 0.9, "lpips": None},
        "srresnet": {"psnr_rgb": 28.004, "lite0_distance": 2.1, "realism": 0.6, "lpips": None},
        "srgan": {"psnr_rgb": 27.0, "lite0_distance": 2.2, "realism": 0.62, "lpips": 0.3},
        "photographs": {"realism": 0.5, "psnr_rgb": 99.0},
    }
    table = quality_table("x", quality)
    best = {
        name: [row[0].text for row in table.rows if row[column].best]
        for column, name in enumerate(table.head)
    }
    assert best == {
        "method": [],
        QUALITY_NAMES["psnr_rgb"]: ["bicubic", "SRResNet"],  # both read 28.00
        QUALITY_NAMES["lpips"]: [],  # nothing to compare
        QUALITY_NAMES["lite0_distance"]: ["SRResNet"],
        QUALITY_NAMES["realism"]: ["SRResNet"],
    }


def test_a_judge_that_is_wrong_by_chance_tells_no_two_methods_apart():
    quality = {name: {"realism": value} for name, value in (("srgan", 0.46), ("srresnet", 0.48))}
    rows = quality_table("x", quality | {"bicubic": {"realism": 0.51}}).rows
    assert [row[1].best for row in rows] == [True, True, False]
