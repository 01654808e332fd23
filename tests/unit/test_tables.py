"""Tables of the report whose columns depend on what was measured."""

from srgan_ab.reporting.tables import QUALITY_NAMES, quality_table

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
