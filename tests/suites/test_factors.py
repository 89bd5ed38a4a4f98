"""Factors multiply, conditions trim."""

from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.suites.factors import Combination, combinations
from sdm_bench.suites.suite import read_suite
from tests.suites.small import SUITE, write_suite


def found(folder: Path, *added: str, text: str = SUITE) -> list[Combination]:
    return combinations(*read_suite(write_suite(folder, text + "".join(f"    {line}\n" for line in added))))


def test_factors_multiply_where_a_method_takes_them(tmp_path: Path) -> None:
    every = found(tmp_path)
    assert len(every) == (1 + 2) * 2
    assert {each.generate for each in every if each.method == "spade"} == {()}
    assert {each.generate for each in every if each.method == "sdm"} == {(("guidance", 1.0),), (("guidance", 1.5),)}
    assert {each.seed for each in every if each.method == "spade"} == {None}


def test_factors_of_training_and_sampling_are_told_apart(tmp_path: Path) -> None:
    text = SUITE.replace(
        "sdm: {train: {steps: 2}}", "sdm: {train: {steps: 2}, factors: {condition_dropout: [0.0, 0.2]}}"
    )
    trained = [each for each in found(tmp_path, text=text) if each.method == "sdm"]
    assert {each.train for each in trained} == {(("condition_dropout", 0.0),), (("condition_dropout", 0.2),)}
    assert len(trained) == 2 * 2 * 2


def test_further_training_seeds_come_last(tmp_path: Path) -> None:
    seeds = [each.seed for each in found(tmp_path, "training_seeds: 2") if each.method == "sdm"]
    assert seeds == [0] * 4 + [1] * 4


def test_conditions_leave_out_or_keep(tmp_path: Path) -> None:
    left = found(tmp_path, "exclude: [{method: sdm, guidance: 1.5}, {metric: lpips, method: spade}]")
    assert len(left) == 6 - 2 - 1
    kept = found(tmp_path, "only: [{method: [sdm], metric: miou}]")
    assert {(each.method, each.metric) for each in kept} == {("sdm", "miou")}


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("exclude: [{methd: sdm}]", "line 10: exclude: 'methd' is nothing that tells cells apart"),
        ("exclude: [{method: oasis}]", "line 10: exclude: nothing in the suite is"),
        ("only: [{method: spade, guidance: 1.5}]", "only: nothing in the suite is"),
        ("exclude: [{dataset: cityscapes}]", "leave nothing"),
        ("training_seeds: [1, 1]", "each once"),
    ],
)
def test_conditions_that_do_nothing_are_refused(tmp_path: Path, added: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        found(tmp_path, added)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("spade: {checkpoint: toy, factors: {guidance: [1.0, 2.0]}}", "spade is a GAN"),
        ("spade: {checkpoint: toy, factors: {steps: [1, 2]}}", "not trained but taken from toy"),
        ("spade: {checkpoint: toy, factors: {batch_size: [1, 2]}}", "an option of train and of generate"),
    ],
)
def test_factors_that_a_method_does_not_take_are_refused(tmp_path: Path, entry: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        found(tmp_path, text=SUITE.replace("spade: {checkpoint: toy}", entry))
