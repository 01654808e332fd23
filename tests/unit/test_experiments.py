"""The narrow table of experiments, of what `dvc exp show --json` gives."""

import copy
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
SCORES = {"a": (0.96111, 0.96045, 0.99705), "b": (0.92778, 0.92216, 0.97827)}
SRGAN = {"psnr_rgb": 28.60423, "lpips": None, "realism": 0.65833}
METRICS = {
    f"metrics/{arm}.json": {"data": dict(zip(("accuracy", "f1", "roc_auc"), of, strict=True))}
    for arm, of in SCORES.items()
} | {"metrics/sr.json": {"data": {"test": {"srgan": SRGAN}}}}


@pytest.fixture
def view(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    import experiments

    def rows(*commits: dict) -> tuple[list[str], list[list[str]]]:
        """Words of the head, and cells of each row."""
        text = experiments.view(list(commits))
        head, rule, body = text.partition("\n-")
        assert rule and head
        return head.split(), [line.split("  ") for line in body.splitlines()[1:]]

    return rows


def data(metrics: dict, **params) -> dict:
    values = {"seed": 7, "srgan": {"seed": None}, "runtime": {"device": "cpu"}} | params
    return {"params": {"params.yaml": {"data": values}}, "metrics": copy.deepcopy(metrics)}


def commit(rev: str, name: str | None = None, experiments: list | None = None) -> dict:
    return {"rev": rev, "name": name, "data": data(METRICS), "experiments": experiments}


def experiment(name: str, state: str | None, metrics: dict = METRICS, **params) -> dict:
    revs = [{"rev": "0" * 40, "data": data(metrics, **params)}]
    return {"name": name, "executor": state and {"state": state}, "revs": revs}


def cells(row: list[str]) -> list[str]:
    return [cell.strip() for cell in row if cell.strip()]


def test_numbers_of_a_run_without_experiments(view):
    head, rows = view(commit("workspace"), commit("0123456789" * 4))
    assert "seed" not in head and head.count("accuracy") == 2
    numbers = ["96.1", "96.0", "0.997", "92.8", "92.2", "0.978", "−3.3", "28.60", "–", "0.66"]
    assert [cells(row) for row in rows] == [["workspace", *numbers], ["0123456", *numbers]]


def test_params_that_differ_have_a_column_and_what_has_not_finished_no_numbers(view):
    measured = copy.deepcopy(METRICS)
    measured["metrics/sr.json"]["data"]["test"]["srgan"] |= {"lpips": 0.12345}
    head, rows = view(
        commit(
            "0" * 40,
            "main",
            [
                experiment("done-1", None, measured, srgan={"seed": 3}),
                experiment("waits-1", "queued", b={"per_class": 4}),
                experiment("elsewhere", "success", runtime={"device": "cuda"}),
                {"name": None, "executor": {"state": "failed"}, "revs": None},
            ],
        )
    )
    assert head[1:8] == ["srgan.", "b.", "A", "A", "A", "B", "B"]  # runtime changes no result
    of = {cells(row)[0]: cells(row)[1:] for row in rows}
    assert of["main"][:3] == ["null", "–", "96.1"] and of["done-1"][:3] == ["3", "–", "96.1"]
    assert of["done-1"][-2] == "0.123"
    assert of["waits-1 (queued)"] == ["null", "4", *"––––––––––"]
    assert of["elsewhere"] == of["main"]
    assert set(of["without a name (failed)"]) == {"–"}


def test_a_run_that_went_as_far_as_the_generator_shows_that(view):
    _, (row,) = view(
        {
            "rev": "workspace",
            "name": None,
            "data": data({"metrics/sr.json": METRICS["metrics/sr.json"]}),
            "experiments": None,
        }
    )
    assert cells(row)[1:] == [*"–––––––", "28.60", "–", "0.66"]
