"""Several suites in one report, with runs beside them."""

from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.suites import collected as module
from sdm_bench.suites.collected import OPTIONS, Collected, collected_with, sample_folders
from sdm_bench.suites.schema import Report
from sdm_bench.suites.work import report_options

FOUND = {
    "a.yaml": Collected((Path("a.csv"),), [Path("a")], {"tables": ("comparison",), "published": "off"}),
    "b.yaml": Collected((Path("b.csv"),), [Path("b")], {"tables": ("table1", "comparison"), "published": "below"}),
}


@pytest.fixture(autouse=True)
def suites(monkeypatch: pytest.MonkeyPatch) -> None:
    """Suites whose results are found without looking."""
    monkeypatch.setattr(module, "collected", lambda suite, folder, shipped: FOUND[suite.name])


def test_tables_are_those_of_all_and_runs_come_behind(tmp_path: Path) -> None:
    both = [Path("a.yaml"), Path("b.yaml")]
    found = collected_with(both, None, [tmp_path, Path("c.csv")], given={"published"})
    assert found.results == (Path("a.csv"), Path("b.csv"), tmp_path, Path("c.csv"))
    assert found.samples == [Path("a"), Path("b"), tmp_path]
    assert found.options == {"tables": ["comparison", "table1"]}
    assert collected_with(both[1:], None, [], given=set()).options["published"] == "below"


def test_suites_that_differ_in_an_option_have_it_said() -> None:
    both = [Path("a.yaml"), Path("b.yaml")]
    with pytest.raises(UserError, match=r"they differ in published of their report \(off, below\); .* --published"):
        collected_with(both, None, [], given={"tables"})


@pytest.mark.parametrize(("said", "kept"), [(True, "below"), (False, "off"), ("beside", "beside")])
def test_a_suite_says_yes_for_below(said: object, kept: str) -> None:
    assert Report.model_validate({"published": said}).published == kept


def test_folders_of_samples_are_those_of_runs_and_suites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, of_suite, empty = tmp_path / "run", tmp_path / "suite" / "samples", tmp_path / "empty"
    for folder in (run, of_suite, empty):
        folder.mkdir(parents=True)
    for folder in (run, of_suite):
        (folder / "run.json").write_text("{}")
    asked = []

    def found(suite: Path, folder: Path | None, shipped: bool) -> Collected:
        asked.append((suite, folder, shipped))
        return Collected((), [of_suite], {})

    monkeypatch.setattr(module, "collected", found)
    suite = Path("suite.yaml")
    assert sample_folders([suite], tmp_path, [run, empty, run], shipped=True) == [of_suite, run]
    assert asked == [(suite, tmp_path, True)]
    assert capsys.readouterr().err == f"{empty}: no samples; left out\n"


def test_every_option_of_a_report_is_among_those_that_others_may_give() -> None:
    said = {**Report().model_dump(), "mean_over_training_seeds": False}
    assert set(report_options(said)) == set(OPTIONS)
