"""Suites are read, or refused with what is wrong and where."""

from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.sampling.synthesizers import SamplingOptions
from sdm_bench.suites.plan import make_plan
from sdm_bench.suites.schema import Sampling
from sdm_bench.suites.suite import find_suite, read_suite, seeds_of, shipped_suites
from tests.suites.small import SUITE, write_suite


@pytest.mark.parametrize(
    ("wrong", "right", "line", "said"),
    [
        ("metrics:", "metrcs:", 9, "metrcs: no such field; did you mean 'metrics'?"),
        ("checkpoint: toy", "chekpoint: toy", 6, "did you mean 'checkpoint'"),
        ("train: 4", "train: four", 4, "found 'four'"),
        ("cityscapes: {", "cityscape: {", 4, "dataset 'cityscape': did you mean 'cityscapes'?"),
        ("      sdm: {", "      sdn: {", 7, "method 'sdn': did you mean 'sdm'?"),
        ("factors: {guidance", "factors: {guidanc", 8, "factor 'guidanc': did you mean 'guidance'?"),
        ("[lpips, miou]", "[lpips, mioux]", 9, "metric 'mioux': did you mean 'miou'?"),
        ("[1.0, 1.5]", "[1.5, 1.5]", 8, "each once"),
        ("{steps: 2}", "{batch_size: 2}", 7, "expected steps, budget or core_budget"),
        ("{steps: 2}", "{budget: 2, core_budget: 2}", 7, "budget and core_budget; expected one of them"),
        ("segmenter: toy", "segmenter: {method: unet}", 4, "segmenter: expected steps, budget or core_budget"),
        ("spade: {checkpoint: toy}", "spade: {}", 6, "expected checkpoint or train; found neither"),
        ("spade: {checkpoint: toy}", "spade: {checkpoint: toy, train: {steps: 1}}", 6, "found both"),
        ("{steps: 2}", "{steps: 2, image_size: 64by32}", 7, "image_size"),
        ("{steps: 2}", "{steps: 2, init: runs/a}", 7, "init: not said here: the stages of `train` start each"),
        (
            "{checkpoint: toy}",
            "{checkpoint: toy, generate: {spade-cache: full}}",
            6,
            "changes samples by rounding alone",
        ),
        ("segmenter: toy", "segmenter: toy, predictions: p", 4, "not said here: a segmenter's predictions"),
        ("metrics: [lpips", "report: {figures: [compar]}\n    metrics: [lpips", 9, "did you mean 'compare'?"),
        ("val: 3", "val: -3", 4, "greater than or equal to 0"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, wrong: str, right: str, line: int, said: str) -> None:
    assert wrong in SUITE
    path = write_suite(tmp_path, SUITE.replace(wrong, right))
    with pytest.raises(UserError, match="line") as error:
        read_suite(path)
    assert f"{path}, line {line}" in error.value.message
    assert said in error.value.message


def test_a_suite_extends_another_and_says_only_what_differs(tmp_path: Path) -> None:
    write_suite(tmp_path)
    above = write_suite(
        tmp_path, "extends: small.yaml\nname: above\nmethods: {spade: null}\nmetrics: [fid]\n", "b.yaml"
    )
    suite, _ = read_suite(above)
    assert suite.name == "above"
    assert list(suite.methods) == ["sdm"]
    assert suite.metrics == ("fid",)
    assert suite.datasets["cityscapes"].toy is not None


def test_a_suite_that_extends_itself_or_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="extends itself"):
        read_suite(write_suite(tmp_path, "extends: small.yaml\n"))
    with pytest.raises(UserError, match=r"line 1: .*did you mean 'demo'"):
        read_suite(write_suite(tmp_path, "extends: dmo\n"))


def test_suites_are_found_by_path_or_by_name() -> None:
    assert find_suite("demo").name == "demo.yaml"
    with pytest.raises(UserError, match="did you mean 'toy'"):
        find_suite("tooy")
    with pytest.raises(UserError, match="no such suite"):
        find_suite("nowhere/mine.yaml")


@pytest.mark.parametrize("name", sorted(shipped_suites()))
def test_shipped_suites_can_be_planned_and_explain_themselves(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan(find_suite(name))
    assert plan.suite.name == name
    assert plan.suite.summary
    lacks = {each for cell in plan.cells.values() for each in cell.lacks}
    # what data and released files lack, a user brings; nothing may be asked for that no protocol states
    assert all("where is it?" in each or "the released" in each for each in lacks), lacks


def test_the_demo_shows_each_dataset_and_measures_one() -> None:
    cells = make_plan(find_suite("demo")).cells
    shown = [cell.options for cell in cells.values() if cell.kind == "generate"]
    assert {options["dataset"] for options in shown} == {"cityscapes", "ade20k", "celebamask_hq", "coco_stuff"}
    # of the others one picture: more would take from the minutes
    assert [options["method"] for options in shown if options["dataset"] != "cityscapes"] == ["sdm"] * 3
    rendered = {cell.options["dataset"]: cell.options["toy"]["val"] for cell in cells.values() if cell.kind == "data"}
    assert rendered == {"cityscapes": 48, "ade20k": 1, "celebamask_hq": 1, "coco_stuff": 1}
    assert {cell.options["dataset"] for cell in cells.values() if cell.kind == "evaluate"} == {"cityscapes"}


def test_the_toy_suite_holds_what_the_benchmark_is() -> None:
    plan = make_plan(find_suite("toy"))
    trained = {
        (each.options["dataset"], each.options["method"], each.options["seed"])
        for each in plan.cells.values()
        if each.kind == "train"
    }
    assert len({dataset for dataset, _, _ in trained}) == 4
    assert len({method for _, method, _ in trained}) == 11
    assert {method for _, method, seed in trained if seed == 1} == {"sdm", "sdm-concat", "spade", "oasis"}
    minutes = {each.name.partition(".stage")[0]: 0.0 for each in plan.cells.values() if each.kind == "train"}
    for each in plan.cells.values():
        if each.kind == "train":
            minutes[each.name.partition(".stage")[0]] += each.options["core_budget"]
    assert set(minutes.values()) == {15.0}


def test_sampling_options_are_those_of_generate() -> None:
    assert set(vars(SamplingOptions())) <= set(Sampling.model_fields)


def test_sampling_seeds_are_numbers_ranges_and_lists() -> None:
    assert seeds_of("0-2,7", "x") == (0, 1, 2, 7)
    assert seeds_of(3, "x") == (3,)
    assert seeds_of("0, 2", "x") == (0, 2)
    for text in ("2-0", "1 2", "0-999999999"):
        with pytest.raises(UserError, match=f"x: sampling_seeds '{text}'"):
            seeds_of(text, "x")
