"""What `evaluate` prints: a line a number, with what its spread is over and what is incomplete."""

from reports.terminal import evaluation_text
from tests.results.test_rows import row


def test_a_spread_says_what_it_is_over() -> None:
    rows = [
        row(value=2.5, spread=0.25, spread_over="seeds"),
        row(metric="lpips", measure="lpips", value=0.125, spread=0.5, spread_over="label maps"),
        row(metric="iou", measure="miou", class_name="road", value=0.75),
    ]
    header, *lines = evaluation_text(rows).splitlines()
    assert "incomplete" not in header
    assert ["0.25 over seeds" in line for line in lines] == [True, False]
    assert ["0.5000 over label maps" in line for line in lines] == [False, True]
    assert lines[0].split()[0] == rows[0].id


def test_a_text_to_image_prior_is_printed() -> None:
    assert "track" not in evaluation_text([row()]).splitlines()[0]
    header, line = evaluation_text([row(track="text")]).splitlines()
    assert "track" in header
    assert " text " in line


def test_what_is_incomplete_is_printed() -> None:
    text = evaluation_text([row(incomplete="1 of 5 missing")])
    assert "incomplete" in text.splitlines()[0]
    assert "1 of 5 missing" in text
