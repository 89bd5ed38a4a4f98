"""Progress off a terminal: lines on stderr, stdout stays empty."""

import pytest

from sdm_bench.base import progress


def test_items_pass_through_and_a_last_line_counts_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.track(iter("abc"), "work", total=5, done=2, unit="letters")) == ["a", "b", "c"]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("work: 5/5 letters in ")


def test_long_work_says_how_much_is_left(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 10.0, 20.0, 30.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    list(progress.track([1, 2], "work", total=4, unit="steps"))
    assert capsys.readouterr().err.splitlines() == ["work: 2/4 steps, 20 s left", "work: 2/4 steps in 30.0 s"]


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
