"""The page's table for those who have small images alone."""

import pytest
from report_inputs import Reader
from test_report import made, metrics, small  # noqa: F401

from srgan_ab.common.arms import DOMAINS

pytestmark = pytest.mark.slow


def test_what_to_do_with_small_images_is_a_table_of_two_situations(made):  # noqa: F811
    root, page = made
    matrix = metrics(root, "matrix")
    title = "Where only small images are to be had: accuracy in %, with 95 % intervals"
    oracle, *rows = Reader(page).tables[title]
    assert oracle[0][0] == "real HR" and float(oracle[1][1]) == matrix["a"]["hr"]["accuracy"]
    arms = {"bicubic": "c", "SRResNet": "r", "non-adversarial": "p", "SRGAN": "b"}
    arms["task-driven"] = "t"
    assert [row[0][0] for row in rows] == list(arms)
    for (name, arm), row in zip(arms.items(), rows, strict=True):
        (domain,) = (domain for domain, known in DOMAINS.items() if known == name)
        assert float(row[1][1]) == matrix["a"][domain]["accuracy"]
        assert float(row[2][1]) == matrix[arm][domain]["accuracy"]
        assert row[2][0].startswith(f"{arm.upper()}: ")


def test_an_arm_that_was_not_trained_has_no_place_in_that_table(small):  # noqa: F811
    _, page = small
    (rows,) = (t for name, t in Reader(page).tables.items() if name.startswith("Where only small"))
    assert [row[0][0] for row in rows] == ["real HR", "bicubic", "SRResNet", "SRGAN"]
    assert [row[2][0] for row in rows[1:3]] == ["not trained"] * 2
