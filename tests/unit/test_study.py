"""The table and the figure of a study, from experiments as `dvc exp show --json` gives them."""

import statistics
from pathlib import Path

import pytest

from srgan_ab.common.errors import UserError

TOOLS = Path(__file__).resolve().parents[2] / "tools"
ARMS = ("a", "b", "b_plus", "c", "c_plus", "r", "p")


@pytest.fixture
def study(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    import study

    return study


@pytest.fixture
def views(study):
    import study_views

    return study_views


def revision(name: str, srgan_seed: int | None = None, **changes) -> dict:
    """One entry of `dvc exp show`; changes are params and, by arm, accuracies."""
    accuracy = dict.fromkeys(ARMS, 0.5) | {arm: changes.pop(arm) for arm in ARMS if arm in changes}
    metrics = {
        f"metrics/{arm}.json": {"data": {} if value is None else {"accuracy": value, "n": 40}}
        for arm, value in accuracy.items()
    }
    params = {
        "seed": 7,
        "data": {"classes": ["cat", "dog"]},
        "srgan": {"seed": srgan_seed},
        "compare": {"model": changes.pop("model", "b")},
        **changes,
    }
    return {
        "rev": f"{name}0000000",
        "name": name,
        "data": {
            "params": {"params.yaml": {"data": params}},
            "metrics": metrics | {"metrics/model.json": {"data": {}}},
        },
    }


def experiment(name: str, state: str | None, **changes) -> dict:
    executor = {"state": state} if state else None
    return {"name": name, "executor": executor, "revs": [revision(name, **changes)]}


def row(study, entry: dict) -> dict:
    metrics = {arm: entry["data"]["metrics"][f"metrics/{arm}.json"]["data"] for arm in ARMS}
    accuracy = {arm: scores["accuracy"] for arm, scores in metrics.items() if scores}
    matrix = {
        arm: {"hr": {"accuracy": x, "accuracy_low": x - 0.05, "accuracy_high": x + 0.04}}
        for arm, x in accuracy.items()
    }
    gain = accuracy["b"] - accuracy["a"]
    result = {"difference": gain, "low": gain - 0.1, "high": gain + 0.1}
    return study.row(entry, matrix, {"b_minus_a": {"accuracy": result}})


@pytest.fixture
def table(study, views):
    entries = [
        revision("main", b=0.5),
        revision("one", 1, b=0.6),
        revision("two", 2, b=0.7),
        revision("other", 1, b=0.9, r=None, extra=3),
    ]
    return views.tabulate([row(study, entry) for entry in entries])


def test_a_row_holds_the_accuracies_with_the_intervals_of_compare(study):
    cells = row(study, revision("main", a=0.9, c=None))
    assert (cells["a"], cells["a_low"], cells["a_high"]) == (0.9, 0.9 - 0.05, 0.9 + 0.04)
    assert "c" not in cells and cells["b_minus_a"] == pytest.approx(-0.4)


def test_an_experiment_of_an_earlier_version_is_named(study):
    with pytest.raises(UserError, match="main has accuracies without intervals"):
        study.row(revision("main"), {"a": {"hr": {"accuracy": 0.9}}}, {})


def test_columns_are_the_params_that_differ(table):
    frame, params = table
    assert params == ["srgan.seed", "extra"]
    assert frame["experiment"].tolist() == ["main", "one", "two", "other"]


def test_the_experiments_of_make_compare_are_one_row(study, views):
    entries = [revision("main"), revision("a", model="a"), revision("b", model="b")]
    frame, params = views.tabulate([row(study, entry) for entry in entries])
    assert frame["experiment"].tolist() == ["main"] and params == []


def test_seeds_alone_are_summed_up(table, views):
    (summary,) = views.over_seeds(*table).to_dict("records")
    assert summary["mean ± SD over"] == "3 srgan.seed"  # not the one in which more differs
    values = [50, 60, 70]
    mean, deviation = statistics.mean(values), statistics.stdev(values)
    assert summary["B"] == f"{mean:.1f} ± {deviation:.1f}"
    assert summary["A"] == "50.0 ± 0.0"
    assert summary["B − A"] == "+10.0 ± 10.0"


def test_two_kinds_of_seed_are_not_mixed(study, views):
    entries = [revision("main"), revision("generator", 1, b=0.6), revision("all", b=0.9, seed=8)]
    frame, params = views.tabulate([row(study, entry) for entry in entries])
    sums = views.over_seeds(frame, params).to_dict("records")
    found = {line["mean ± SD over"]: line["B"].split(" ")[0] for line in sums}
    assert found == {"2 seed": "70.0", "2 srgan.seed": "55.0"}


def test_the_table_shows_points_and_what_is_missing(table, views):
    shown = views.each(*table)
    assert shown["B − A (95 %)"].tolist()[0] == "+0.0 (−10.0 to +10.0)"
    assert shown["R"].tolist() == ["50.0", "50.0", "50.0", "–"]
    assert shown["extra"].tolist() == ["–", "–", "–", "3"]


def test_the_figure_draws_every_experiment(table, views):
    frame, _ = table
    left, right = views.figure(*table).axes
    assert [text.get_text().split(":")[0] for text in left.get_yticklabels()] == list(
        frame["experiment"]
    )
    drawn = [list(lines[0].get_xdata()) for lines in right.containers]
    assert drawn == [pytest.approx(list(100 * frame["b_minus_a"]))]
    assert len(left.containers) == len(ARMS)


def test_only_finished_experiments_count(study, capsys):
    experiments = [
        experiment("newer", "success"),
        experiment("running", "running"),  # with the metrics of the commit it started from
        experiment("failed", "failed"),
        experiment("older", None),
    ]
    commits = [
        {**revision("workspace"), "rev": "workspace", "experiments": None},
        {**revision("main"), "experiments": experiments},
        {**revision("before"), "experiments": None},
    ]
    names = [entry["name"] for entry in study.finished(commits)]
    assert names == ["main", "older", "newer"]
    assert capsys.readouterr().err == "study: left out running (running), failed (failed)\n"
    commits[1]["experiments"] = experiments[1:2]
    with pytest.raises(UserError, match=r"no finished experiment here, only running \(running\)"):
        study.finished(commits)
