"""params.yaml as a file: what is no YAML is one sentence; numbers are read as DVC reads them."""

from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import load_yaml
from repository import PARAMS

from srgan_ab.common.errors import UserError
from srgan_ab.common.params import decode, load

TEXT = PARAMS.read_text(encoding="utf-8")

FILES = {
    "a tab": (TEXT.replace("  hr: 128", "\thr: 128"), "is not valid YAML: line "),
    "a key twice": (TEXT + "\nseed: 8\n", 'found duplicate key "seed"'),
    "a key twice in a section": (
        TEXT.replace("  scale: 4", "  hr: 64\n  scale: 4"),
        'found duplicate key "hr"',
    ),
    "an unclosed bracket": (TEXT.replace("[1, 3, 6]", "[1, 3, 6"), "is not valid YAML: line "),
    "the marks of a merge": (
        TEXT.replace("seed: 7", "<<<<<<< HEAD\nseed: 7\n=======\nseed: 8\n>>>>>>> theirs", 1),
        "it holds the marks of an unfinished merge",
    ),
    "a NUL": (TEXT + "\0", "is not valid YAML"),
    "Latin-1": ("# größer\n".encode("latin-1") + TEXT.encode(), "is not UTF-8 text"),
    "UTF-16": (TEXT.encode("utf-16"), "is not UTF-8 text"),
    "nothing": ("", "must be a mapping of sections"),
    "comments alone": ("# seed: 7\n", "must be a mapping of sections"),
    "a list": ("- seed: 7\n", "must be a mapping of sections"),
    "a text": ("seed = 7\n", "must be a mapping of sections"),
    "two documents": (TEXT + "\n---\n" + TEXT, "is not valid YAML: line "),
    "an object": (TEXT + "\nx: !!python/name:os.system\n", "is not valid YAML: line "),
    "a list in itself": (TEXT.replace("[cat, dog]", "&a [*a]"), "data.classes"),
    "no file": (None, "is missing: run from a checkout of the project"),
}


def written(path: Path, content: str | bytes | None) -> None:
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_params_file_is_one_sentence(tmp_path, kind):
    content, words = FILES[kind]
    written(tmp_path / "params.yaml", content)
    with pytest.raises(UserError) as caught:
        load(tmp_path / "params.yaml")
    message = str(caught.value)
    assert words in message and "\n" not in message
    assert message.startswith(str(tmp_path / "params.yaml"))


def test_a_folder_in_its_place_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("written", "read"),
    [("1e-5", 1e-5), ("1E-05", 1e-5), ("0.00001", 1e-5), ("1.e-5", 1e-5), ("1", 1.0), ("+.5", 0.5)],
)
def test_a_rate_may_be_written_in_every_way(tmp_path, written, read):
    text = TEXT.replace("learning_rate: 0.002", f"learning_rate: {written}", 1)
    (tmp_path / "params.yaml").write_text(text)
    assert load(tmp_path / "params.yaml").classifier.learning_rate == read


@pytest.mark.parametrize("number", ["010", "0o12", "0xA", "1_0", "10"])
def test_a_whole_number_is_read_as_dvc_reads_it(tmp_path, number):
    path = tmp_path / "params.yaml"
    path.write_text(TEXT.replace("seed: 7", f"seed: {number}", 1))
    assert load(path).seed == load_yaml(path)["seed"] == 10


def test_what_dvc_writes_is_read_again(tmp_path):
    """`dvc exp run -S` writes the file anew: lists as lines, nulls as nothing, 1e-05."""
    path = tmp_path / "params.yaml"
    path.write_text(TEXT)
    apply_overrides(path, ["classifier.learning_rate=0.00001", "srgan.snapshots=[2]"])
    assert path.read_text() != TEXT
    expected = decode(TEXT, "params.yaml")
    expected["classifier"]["learning_rate"] = 1e-5
    expected["srgan"]["snapshots"] = [2]
    assert load(path).model_dump() == expected
