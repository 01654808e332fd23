"""What a stage has finished is not computed again, unless something else would compute it."""

import dataclasses

import numpy as np
import pytest
import torch

from srgan_ab.common.distributed import Processes
from srgan_ab.common.errors import UserError
from srgan_ab.common.parts import Parts, forget
from srgan_ab.common.runtime import Runtime

FP32 = Runtime(torch.device("cpu"), "fp32")


def never():
    raise AssertionError("it was computed again")


def test_a_value_comes_back_to_the_bit(tmp_path):
    value = {"a": np.random.default_rng(0).random((2, 50)).tolist(), "none": None}
    assert Parts(tmp_path, FP32).value("test/a", lambda: value) == value
    assert Parts(tmp_path, FP32).value("test/a", never) == value


def test_the_first_run_gets_what_later_runs_get(tmp_path):
    assert Parts(tmp_path, FP32).value("pair", lambda: (1, 2)) == [1, 2]
    assert Parts(tmp_path, FP32).value("pair", never) == [1, 2]


def test_names_below_another_are_apart(tmp_path):
    parts = Parts(tmp_path, FP32)
    parts.part("val").value("a", lambda: 1)
    assert parts.part("test").value("a", lambda: 2) == 2
    assert parts.value("val/a", never) == 1


def test_what_was_computed_otherwise_is_computed_anew(tmp_path):
    Parts(tmp_path, FP32).value("a", lambda: 1)
    bf16 = dataclasses.replace(FP32, precision="bf16")
    assert Parts(tmp_path, bf16).value("a", lambda: 2) == 2


def test_how_many_processes_computed_it_does_not_matter(tmp_path):
    several = dataclasses.replace(FP32, processes=Processes(0, 3))
    assert Parts(tmp_path, several).directory == Parts(tmp_path, FP32).directory


def test_a_file_is_written_once_and_whole(tmp_path):
    parts = Parts(tmp_path, FP32)

    def cut_off(path):
        path.write_text("ha")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parts.file("images.npy", cut_off)
    file = parts.file("images.npy", lambda path: path.write_text("whole"))
    assert parts.file("images.npy", lambda path: never()) == file
    assert file.read_text() == "whole"
    assert [f.name for f in file.parent.iterdir()] == ["images.npy"]


def test_a_computation_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(AssertionError):
        Parts(tmp_path, FP32).value("a", never)
    assert Parts(tmp_path, FP32).value("a", lambda: 3) == 3


def test_a_damaged_value_is_said_to_be_that(tmp_path):
    parts = Parts(tmp_path, FP32)
    parts.value("a", lambda: [1, 2])
    (parts.directory / "a.json").write_text("[1, ")
    with pytest.raises(UserError, match=r"a\.json is damaged"):
        parts.value("a", never)


def test_who_keeps_nothing_computes_every_time():
    assert [forget("a", iter([1, 2]).__next__) for _ in range(2)] == [1, 1]
