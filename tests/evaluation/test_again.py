"""Numbers that are measured again: what rounds differently is the same, and all else is named."""

from typing import Any

import pytest

from sdm_bench.evaluation import again as module
from sdm_bench.evaluation.again import differences, measure_again, tolerance
from sdm_bench.evaluation.evaluate import Evaluation
from sdm_bench.results.rows import REAL, ResultRow
from sdm_bench.weights.registry import entries_of
from sdm_bench.weights.store import MissingWeights
from tests.results.test_rows import row


def test_what_rounds_differently_is_the_same() -> None:
    stated = [row(value=10.0, spread=1.0, spread_over="seeds"), row(metric="miou", measure="miou", value=0.5)]
    found = [each.model_copy(update={"value": each.value + 0.9 * tolerance(each)}) for each in stated]
    assert [tolerance(each) for each in stated] == pytest.approx([0.02, 2e-4])
    assert list(differences(stated, found)) == []


def test_numbers_that_count_pictures_may_differ_by_some() -> None:
    assert tolerance(row(metric="precision", num_images=50)) == 2 / 50
    assert tolerance(row(metric="dinov2_coverage", num_images=50_000)) == pytest.approx(2e-4)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"value": 10.03}, "fid of sdm under sdm-bench@1: value 10.0; measured again 10.03, which may differ by 0.02"),
        ({"spread": 1.1}, "spread 1.0; measured again 1.1"),
        ({"spread": None}, "spread 1.0; measured again None"),
        ({"value": float("nan")}, "value 10.0; measured again nan"),
        ({"extractor_sha256": "f"}, "extractor_sha256 'e'; measured again 'f'"),
        ({"reference_sha256": "q", "value": 50.0}, "reference_sha256 'r'; measured again 'q'"),
        ({"manifest_sha256": "x"}, "manifest_sha256 'ab'; measured again 'x'"),
        ({"class_name": "road"}, "no such number when it was measured again"),
        ({"method": REAL}, "no such number when it was measured again"),
    ],
)
def test_what_differs_is_named_in_a_line(changes: dict[str, Any], text: str) -> None:
    stated = row(value=10.0, spread=1.0, spread_over="seeds")
    (line,) = differences([stated], [ResultRow.model_construct(**(stated.model_dump() | changes))])
    assert line.startswith(f"{stated.id} fid of sdm under sdm-bench@1: ")
    assert text in line


def test_pictures_that_were_never_measured_need_not_be_there() -> None:
    stated = row(incomplete="1 of 6 missing, 2 not of the split")
    assert list(differences([stated], [row(incomplete="1 of 6 missing")])) == []


def test_weights_that_are_not_here_excuse_and_pictures_that_can_not_be_read_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures = [
        f"fid: {MissingWeights(entries_of(['inception-2015-12-05'])).short}",
        "lpips: a.png: not a picture (5 bytes)",
        "features not stored: /cache: No space left on device",
    ]
    monkeypatch.setattr(module, "evaluate", lambda asked: ([row(metric="miou", measure="miou")], failures))
    stated = [row(), row(metric="lpips", measure="lpips"), row(metric="miou", measure="miou")]
    again = measure_again(Evaluation(["fid", "lpips", "miou"]), stated)
    assert again.absent == ["fid: weights that are not in the cache: inception-2015-12-05"]
    assert again.differing == ["lpips: a.png: not a picture (5 bytes)"]
