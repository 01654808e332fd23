"""The stage runner, on a toy project: what a user sees and what it refuses."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from repository import PARAMS, ROOT

SCRIPT = '''"""Writes the seed to a file."""
import _bootstrap
import sys
import time
from pathlib import Path
from srgan_ab.common.stage import run


def toy(params):
    text = Path("input.txt").read_text()
{body}
    Path("output.txt").write_text(f"{{params.seed}} {{params.compare.model}} {{text}}")


run(toy)
'''


@pytest.fixture
def project(tmp_path):
    (tmp_path / "stages").mkdir()
    shutil.copy(ROOT / "stages/_bootstrap.py", tmp_path / "stages")
    shutil.copy(PARAMS, tmp_path)
    (tmp_path / "input.txt").write_text("hello")
    (tmp_path / "dvc.yaml").write_text(
        "stages:\n  toy:\n    cmd: python stages/toy.py\n    deps: [input.txt]\n"
        "    params: [seed, compare.model]\n    outs: [output.txt]\n"
    )
    return tmp_path


def start(project, body="", *arguments):
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    (project / "stages/toy.py").write_text(SCRIPT.format(body=indented))
    return launch(project / "stages/toy.py", *arguments)


def launch(script, *arguments):
    return subprocess.Popen(
        [sys.executable, str(script), *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        cwd="/",  # a stage finds its project from wherever it is called
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # where the tests run in the background, Ctrl-C is ignored, and that is inherited
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def finish(process):
    out, err = process.communicate(timeout=600)  # not how fast it is, but that it ends
    return process.returncode, out, err


def test_runs_and_writes_provenance(project):
    code, _, err = finish(start(project))
    assert code == 0, err
    assert (project / "output.txt").read_text() == "7 b hello"
    facts = json.loads((project / "metrics/provenance/toy.json").read_text())
    assert facts["seconds"] >= 0 and facts["peak_memory_mb"] > 1
    assert facts["versions"]["numpy"]


def test_what_is_no_training_is_left_to_the_first_of_several_processes(project, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert finish(start(project)) == (0, "", "")
    assert not (project / "output.txt").exists()


def test_help_says_what_it_reads_and_writes(project):
    code, out, _ = finish(start(project, "", "--help"))
    assert code == 0
    for part in ("Writes the seed to a file.", "seed compare.model", "input.txt", "output.txt"):
        assert part in out


def test_undeclared_params_cannot_be_read(project):
    code, _, err = finish(start(project, "params.srgan"))
    assert code != 0 and "reads srgan, which dvc.yaml does not declare" in err
    code, _, err = finish(start(project, "params.compare.bootstrap"))
    assert code != 0 and "reads compare.bootstrap" in err
    assert not (project / "output.txt").exists()


def test_runtime_is_always_readable(project):
    assert finish(start(project, "assert params.runtime.device"))[0] == 0


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        ("Path('input.txt').write_text('other')", "input.txt"),
        (
            "p = Path('params.yaml'); p.write_text(p.read_text().replace('seed: 7', 'seed: 8'))",
            "params.yaml:seed",
        ),
    ],
)
def test_an_edit_while_it_runs_is_refused(project, edit, named):
    code, _, err = finish(start(project, edit))
    assert code == 1
    assert f"{named} changed while toy ran" in err and "Traceback" not in err
    assert err.count("\n") == 1 and "--queue" in err  # how not to change params.yaml meanwhile


def test_an_edit_of_other_params_is_not(project):
    edit = "p = Path('params.yaml'); p.write_text(p.read_text().replace('hr: 128', 'hr: 64'))"
    assert finish(start(project, edit))[0] == 0


def test_the_second_of_two_at_once_is_refused(project):
    first = start(project, "Path('started').touch()\ntime.sleep(900)")
    while not (project / "started").exists():
        assert first.poll() is None
        time.sleep(0.05)
    code, _, err = finish(start(project))
    first.kill()
    first.communicate()
    assert code == 1 and "another process runs toy here" in err
    assert finish(start(project))[0] == 0  # a killed process leaves no lock behind


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_end_it_cleanly(project, sent, code):
    process = start(project, "Path('started').touch()\ntime.sleep(900)")
    while not (project / "started").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(sent)
    returned, _, err = finish(process)
    assert returned == code and "Traceback" not in err


@pytest.mark.parametrize(
    "failure",
    [
        "raise MemoryError",
        "import numpy; numpy.empty(2**50)",
        'raise RuntimeError("DefaultCPUAllocator: can\'t allocate memory: you tried ...")',
        "raise RuntimeError('CUDA out of memory. Tried to allocate 2.00 GiB')",
    ],
)
def test_too_little_memory_is_one_sentence(project, failure):
    code, _, err = finish(start(project, failure))
    assert (code, err.count("\n")) == (1, 1)
    assert re.match(r"toy: there is not enough memory( for [\d.]+ \w+ more)?: lower ", err)


def test_other_runtime_errors_keep_their_traceback(project):
    code, _, err = finish(start(project, "raise RuntimeError('shapes differ')"))
    assert code == 1 and "Traceback" in err and "shapes differ" in err


def test_a_python_without_the_packages_is_one_sentence(project):
    start(project).communicate()
    script = [sys.executable, "-S", "stages/toy.py"]  # -S: no packages but Python's own
    bare = subprocess.run(
        script,
        cwd=project,
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    assert (bare.returncode, bare.stderr.count("\n")) == (1, 1)
    assert " has no " in bare.stderr and "source .venv/bin/activate" in bare.stderr


@pytest.mark.parametrize("arm", [["zzz"], []])
def test_an_arm_that_is_not_there_is_answered_with_those_that_are(arm):
    script = [sys.executable, str(ROOT / "stages/train_controls.py"), *arm]
    done = subprocess.run(script, capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "{b_plus,c,c_plus,r,p,t}" in done.stderr.splitlines()[0]


def test_user_errors_are_one_sentence(project):
    (project / "input.txt").unlink()
    code, _, err = finish(start(project))
    assert (code, err.count("\n")) == (1, 1) and "input.txt is missing" in err
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("seed: 7", "seed: seven"))
    code, _, err = finish(start(project))
    assert code == 1 and "seed is 'seven'" in err and "Traceback" not in err


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("Path('input.txt/below').mkdir()", "input.txt/below cannot be used (Not a directory)"),
        ("raise OSError(30, 'Read-only file system', 'data/x')", "data/x cannot be used (Read-onl"),
        ("raise OSError(28, 'No space left on device')", "toy: the disk is full: make room"),
        ("raise MemoryError", "toy: there is not enough memory: lower"),
    ],
)
def test_what_the_machine_refuses_is_one_sentence(project, body, said):
    code, _, err = finish(start(project, body))
    assert (code, err.count("\n")) == (1, 1) and said in err


def test_a_file_in_the_place_of_the_locks_is_one_sentence(project):
    (project / ".locks").touch()
    code, _, err = finish(start(project))
    assert (code, err.count("\n")) == (1, 1)
    assert ".locks cannot be used (File exists): a file lies where a folder belongs" in err


def test_a_fault_of_the_program_keeps_its_traceback(project):
    code, _, err = finish(start(project, "raise ValueError('shapes')"))
    assert code != 0 and "Traceback" in err and "shapes" in err


def test_litter_in_an_input_does_not_discard_a_finished_run(project):
    (project / "folder").mkdir()
    yaml = project / "dvc.yaml"
    yaml.write_text(yaml.read_text().replace("[input.txt]", "[input.txt, folder]"))
    names = (".DS_Store", ".a.py.swp", "a.py~")
    code, _, err = finish(start(project, f"for n in {names}: Path('folder', n).touch()"))
    assert code == 0, err
    code, _, err = finish(start(project, "Path('folder/a.py').touch()"))
    assert code == 1 and "folder/a.py changed while toy ran" in err


def test_a_stage_that_forgets_an_output_fails(project):
    yaml = project / "dvc.yaml"
    yaml.write_text(yaml.read_text().replace("[output.txt]", "[output.txt, more.txt]"))
    code, _, err = finish(start(project))
    assert code == 1 and "more.txt is gone" in err and "Traceback" not in err


def test_a_resumable_stage_keeps_its_state_until_it_succeeds_and_no_other_after(project):
    """A folder for each set of params; what a run with others left goes when one succeeds."""
    text = SCRIPT.replace("def toy(params):", "def toy(params, checkpoints):")
    text = text.replace("run(toy)", "run(toy, resumable=True)")
    body = """\
    (checkpoints / 'state').mkdir(parents=True, exist_ok=True)
    assert params.seed == 9"""
    script, params = project / "stages/toy.py", project / "params.yaml"
    script.write_text(text.format(body=body))

    def again(seed):
        lines = params.read_text().split("\n")
        lines = [f"seed: {seed}" if line.startswith("seed:") else line for line in lines]
        params.write_text("\n".join(lines))
        code = finish(launch(script))[0]
        return code, sorted(path.name for path in project.glob(".checkpoints/toy/*"))

    (_, first), (_, both) = again(7), again(8)
    assert len(first) == 1 and len(both) == 2
    assert again(7) == (1, both)  # the same params find the same folder
    assert again(9) == (0, [])
