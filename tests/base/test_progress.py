"""Progress off a terminal: lines on stderr, stdout stays empty."""

import re
from typing import Any

import pytest

from sdm_bench.base import progress


def test_items_pass_through_and_a_last_line_counts_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.track(iter("abc"), "work", total=5, done=2, unit="letters")) == ["a", "b", "c"]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("work: 5/5 letters in ")


def lines_of_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], seconds: float, **shown: Any
) -> str:
    """What is printed of work of which each of two items takes `seconds`, off a terminal."""
    clock = iter([0.0, seconds, 2 * seconds, 3 * seconds])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    list(progress.track([1, 2], "work", unit="steps", **shown))
    return capsys.readouterr().err


def test_long_work_says_how_much_is_left(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    said = lines_of_work(monkeypatch, capsys, 10.0, total=4)
    assert said.splitlines() == ["work: 2/4 steps, 20 s left", "work: 2/4 steps in 30.0 s"]


def test_times_from_a_minute_on_are_hours_and_say_when_they_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = lines_of_work(monkeypatch, capsys, 7200.0, total=14).splitlines()
    assert re.fullmatch(r"work: 1/14 steps, 26:00 h left \(until \d{4}-\d\d-\d\d \d\d:\d\d\)", found[0])
    assert found[-1] == "work: 2/14 steps in 6:00 h"


def test_losses_are_told_and_a_budget_ends_work_of_no_known_number(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = lines_of_work(monkeypatch, capsys, 20.0, total=None, tell=lambda: "loss 0.5", left=lambda: 7.0)
    assert said.splitlines()[0] == "work: 1 steps, loss 0.5, 7 s left"
    assert said.splitlines()[-1] == "work: 2 steps, loss 0.5 in 0:01 h"
    said = lines_of_work(monkeypatch, capsys, 20.0, total=1000, left=lambda: 7.0)
    assert said.splitlines()[0] == "work: 1/1000 steps, 7 s left"


def test_a_bar_says_the_same(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    list(progress.track([1, 2], "work", total=2, tell=lambda: "loss 0.5", left=lambda: 7.0))
    assert "loss 0.5, 0 s left" in capsys.readouterr().err


def test_seconds_become_hours_from_a_minute_on() -> None:
    spelled = [progress.spelled_seconds(each) for each in (5, 59.4, 59.6, 60, 3600 * 26 + 90)]
    assert spelled == ["5 s", "59 s", "0:01 h", "0:01 h", "26:02 h"]


def test_work_without_a_known_end_counts_up(capsys: pytest.CaptureFixture[str]) -> None:
    list(progress.track([1, 2], "work", total=None, unit="steps"))
    assert capsys.readouterr().err.startswith("work: 2 steps in ")


def test_the_first_of_several_processes_alone_shows_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert list(progress.track([1, 2], "work", total=2)) == [1, 2]
    assert capsys.readouterr().err == ""
