"""The committed notebook: outputs of one clean run, and nothing that differs between machines."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from repository import ROOT, committed, committed_run

PATH = "notebooks/tour.ipynb"
TOOL = ROOT / "tools/run_notebook.py"


@pytest.fixture(scope="module")
def tour() -> nbformat.NotebookNode:
    return nbformat.reads(committed(PATH), as_version=4)


@pytest.fixture(scope="module")
def code(tour) -> list[nbformat.NotebookNode]:
    return [cell for cell in tour.cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def outputs(code) -> list[nbformat.NotebookNode]:
    return [output for cell in code for output in cell.outputs]


def test_it_is_a_valid_notebook_of_moderate_size(tour):
    nbformat.validate(tour)
    text = committed(PATH)
    assert len(text) < 3_000_000
    assert text == nbformat.writes(tour) + "\n"  # as the tool writes it


def test_every_cell_ran_once_in_order_without_an_error(code, outputs):
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert {output.output_type for output in outputs} <= {
        "stream",
        "display_data",
        "execute_result",
    }
    assert {output.get("name", "stdout") for output in outputs} == {"stdout"}  # no warnings


def test_pictures_and_tables_are_in_it(code, outputs):
    silent = [cell.id for cell in code if not cell.outputs]
    assert silent == ["check", "load"]
    kinds = [kind for output in outputs for kind in output.get("data", {})]
    assert kinds.count("image/png") >= 12
    assert kinds.count("text/html") >= 5
    assert kinds.count("text/markdown") == 1
    assert "image/jpeg" not in kinds


def test_metadata_tell_no_machine_and_no_time(tour):
    assert tour.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert [cell.id for cell in tour.cells if cell.metadata] == []
    assert all(re.fullmatch(r"[a-z-]+", cell.id) for cell in tour.cells)  # named, not random


def test_no_path_or_address_of_a_machine_is_in_it(tour, outputs):
    texts = [cell.source for cell in tour.cells]
    for output in outputs:
        shown = {k: v for k, v in output.get("data", {}).items() if k != "image/png"}
        texts += [output.get("text", ""), *shown.values()]
    for text in texts:
        assert str(ROOT) not in text
        assert not re.search(
            r"(?<![\w.])/(home|root|work|tmp|var|Users|private)/|\b0x[0-9a-f]{6,}", text
        )


def test_the_verdict_in_it_is_the_committed_one(outputs):
    (shown,) = [o.data["text/markdown"] for o in outputs if "text/markdown" in o.get("data", {})]
    assert shown == committed_run("metrics/verdict.md").replace("# ", "### ")


def test_what_it_imports_of_the_project_is_there(code):
    nodes = [node for cell in code for node in ast.walk(ast.parse(cell.source))]
    imported = [
        (node.module, alias.name)
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module.startswith("srgan_ab")
        for alias in node.names
    ]
    assert len(imported) > 10
    for module, name in imported:
        try:
            importlib.import_module(f"{module}.{name}")
        except ModuleNotFoundError:
            assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


def test_the_hosted_one_waits_for_its_machine():
    text = (ROOT / "notebooks/hosted.ipynb").read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert text == nbformat.writes(notebook) + "\n"
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert all(re.fullmatch(r"[a-z-]+", cell.id) and not cell.metadata for cell in notebook.cells)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not [cell.id for cell in code if cell.outputs or cell.execution_count]
    assert code[0].id == "choices"
    assert re.findall(r"\w+://[^/\"\s]+", text) == ["https://example.org"]
    sources = " ".join(cell.source for cell in notebook.cells)
    for path in re.findall(r"\b(?:docs|tools)/\w+\.\w+", sources):
        assert (ROOT / path).is_file(), path


def run(path: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(TOOL), str(path)], capture_output=True, text=True, check=False
    )


@pytest.fixture
def notebook(tmp_path):
    """Writes a notebook of some cells; returns its path."""

    def write(*sources: str) -> Path:
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        path = tmp_path / "some.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
        return path

    return write


@pytest.mark.slow
def test_the_tool_runs_a_notebook_where_it_lies(notebook, tmp_path):
    path = notebook("import os\nprint(os.getcwd())", "x = 6", "print(1)\nprint(2)\nx * 7")
    result = run(path)
    assert result.returncode == 0, result.stderr
    cells = nbformat.read(path, as_version=4).cells
    assert cells[0].outputs[0].text.strip() == str(tmp_path)
    assert [cell.execution_count for cell in cells] == [1, 2, 3]
    printed, value = cells[2].outputs
    assert printed.text == "1\n2\n"
    assert value.data == {"text/plain": "42"}
    assert [path.name for path in tmp_path.iterdir()] == ["some.ipynb"]


def test_the_tool_says_what_a_cell_said_and_leaves_the_file(notebook):
    path = notebook("print(1)", "raise SystemExit('data is missing: run `dvc repro`')")
    before = path.read_bytes()
    result = run(path)
    assert result.returncode == 1
    assert result.stderr == f"{path}: data is missing: run `dvc repro`\n"
    assert path.read_bytes() == before
