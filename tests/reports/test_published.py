"""The published numbers: every one has a source, a mark and a meaning; a broken file is named."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from reports.published.numbers import UNKNOWN, PublishedNumber, published, read_published
from reports.published.table import published_tables
from sdm_bench.base.errors import UserError
from sdm_bench.datasets.known_datasets import DATASETS
from sdm_bench.models.methods import METHODS
from sdm_bench.protocols.protocols import protocol
from sdm_bench.results.rows import REAL

PLAUSIBLE = {"fid": (5, 150), "lpips": (0.01, 0.7), "miou": (0.1, 0.9), "accuracy": (0.5, 1), "clip_score": (20, 40)}
FILE = """
source: Somebody 2020
defaults: {mark: S, protocol: unknown, note: nothing is stated}
numbers:
  - {dataset: ade20k, method: spade, metric: fid, value: 33.9}
  - {dataset: ade20k, method: New, metric: miou, value: 38.5, unit: percent, mark: V, read_in: [A, B]}
"""


def number(dataset: str, method: str, metric: str, source: str) -> PublishedNumber:
    (found,) = [n for n in published(dataset, metric) if n.method == method and source in n.source]
    return found


def test_every_number_has_a_source_and_a_mark() -> None:
    assert len(published()) > 100
    for each in published():
        assert each.source.strip()
        assert each.mark in {"V", "S"}
        assert each.mark == "S" or len(set(each.read_in)) > 1, f"{each}: V, and one place"


def test_no_source_says_a_thing_twice() -> None:
    assert [key for key, count in Counter(each.key() for each in published()).items() if count > 1] == []


def test_values_are_plausible_and_of_the_units_of_result_rows() -> None:
    for each in published():
        low, high = PLAUSIBLE[each.metric]
        assert low < each.value < high, each
    assert {each.output.direction for each in published(metric="fid")} == {"lower"}
    assert {
        each.output.direction for name in ("lpips", "miou", "accuracy", "clip_score") for each in published(metric=name)
    } == {"higher"}


def test_a_stated_protocol_is_one_that_can_be_followed() -> None:
    stated = [each for each in published() if each.protocol != UNKNOWN]
    assert {each.protocol for each in stated} >= {"sdm@1", "oasis@2", "inade@1", "ccfpse@1", "scdm@1"}
    for each in stated:
        measure = "miou" if each.metric == "accuracy" else each.metric
        protocol(each.protocol).refuse_unstated(measure, each.dataset)
    assert all(each.note for each in published() if each.protocol == UNKNOWN)


def test_names_are_those_of_the_program() -> None:
    assert {each.dataset for each in published()} == set(DATASETS) - {"folder"}
    assert {each.method for each in published()} >= set(METHODS) - {"sdm-concat", "dagan", "clade"}
    assert {each.metric for each in published() if each.method == REAL} == {"miou"}


def test_numbers_that_are_known_by_heart() -> None:
    assert number("ade20k", "sdm", "fid", "2207.00050").value == 27.5
    assert number("coco_stuff", "sdm", "fid", "2207.00050").value == 15.9
    spade = number("ade20k", "spade", "miou", "1903.07291")
    assert (spade.value, spade.unit, spade.protocol, spade.mark) == (pytest.approx(0.385), "fraction", UNKNOWN, "V")
    again = number("ade20k", "oasis", "miou", "issue 17")
    assert (again.value, again.protocol, again.size) == (pytest.approx(0.4276), "sdm@1", (256, 256))
    ours = number("ade20k", "ControlNet++", "miou", "2404.07987")
    assert (ours.value, ours.mark, ours.track, ours.num_images) == (pytest.approx(0.4364), "V", "text", 2000)
    ceiling = number("ade20k", REAL, "miou", "2404.07987")
    assert (ceiling.value, ceiling.protocol, ceiling.size) == (pytest.approx(0.507), "controlnetpp@1", (512, 512))
    assert [each.value for each in published("coco_stuff", "lpips") if each.method == "sdm"] == [], "sources disagree"


def test_a_method_is_of_one_track() -> None:
    found: dict[str, set[str]] = {}
    for each in published():
        found.setdefault(each.method, set()).add(each.track)
    assert {method: tracks for method, tracks in found.items() if len(tracks) > 1} == {}
    assert found[REAL] == {""}
    text = {method for method, tracks in found.items() if tracks == {"text"}}
    assert text >= {"ControlNet", "FreestyleNet", "PITI", "PLACE", "SCP-Diff", "T2I-Adapter"}
    assert not text & set(METHODS)


def test_the_ceiling_stands_with_the_numbers_of_its_protocol() -> None:
    labels, text = published_tables("ade20k")
    assert [table.name for table in (labels, text)] == ["published-ade20k-labels", "published-ade20k-text"]
    ceiling = text.frame[text.frame["method"] == REAL]
    assert ceiling["published mIoU"].tolist() == [pytest.approx(0.507)]
    assert ceiling[["protocol", "width x height", "images", "track"]].to_numpy().tolist() == [
        ["controlnetpp@1", "512x512", "2000", ""]
    ]
    assert 0.507 not in labels.frame["published mIoU"].round(4).tolist()


def test_filters() -> None:
    assert {(each.dataset, each.metric) for each in published("cityscapes", "lpips")} == {("cityscapes", "lpips")}
    assert sum(len(published(metric=metric)) for metric in PLAUSIBLE) == len(published())
    with pytest.raises(UserError, match=r"Unknown dataset 'ade20'\. Did you mean 'ade20k'"):
        published("ade20")
    with pytest.raises(UserError, match=r"Unknown metric 'lpip'\. Did you mean 'lpips'"):
        published(metric="lpip")


def test_defaults_give_way_and_percents_become_fractions() -> None:
    first, second = read_published(FILE, "a.yaml")
    assert (first.source, first.mark, first.value, first.unit) == ("Somebody 2020", "S", 33.9, "")
    assert (second.mark, second.value, second.unit, second.note) == ("V", 0.385, "fraction", "nothing is stated")
    with pytest.raises(ValueError, match="frozen"):
        first.value = 1.0


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("value: 33.9", "value: much", "a.yaml, entry 1 ade20k spade fid: value Input should be a valid number"),
        ("value: 33.9", "value: -1", "a.yaml, entry 1 .*greater than or equal to 0"),
        ("value: 33.9", "value: .inf", "a.yaml, entry 1 .*finite"),
        ("value: 33.9", "value: 33.9, seeds: 3", "a.yaml, entry 1 .*seeds Extra inputs"),
        ("value: 38.5, unit: percent", "value: 0.385", "entry 2 ade20k New miou: .*miou comes with unit 'percent'"),
        ("value: 38.5", "value: 385", "entry 2 .*a value of 3.85; miou is at most 1"),
        (
            "read_in: [A, B]",
            "read_in: [A, A]",
            "entry 2 .*mark V and 1 of the places that agree; expected at least two",
        ),
        ("mark: V", "mark: M", "entry 2 .*'V' or 'S'"),
        ("mark: V", "mark: V, protocol: sdm@9", "entry 2 .*protocol 'sdm@9'; expected unknown, .*sdm@1"),
        ("mark: V", "mark: V, note: ''", "entry 2 .*unknown protocol without a note"),
        ("method: New", "method: CC-FPSE", "entry 2 .*method 'CC-FPSE'; this program calls it 'ccfpse'"),
        ("dataset: ade20k, method: New", "dataset: ADE20K, method: New", "entry 2 ADE20K New miou: dataset Input"),
        ("  - {dataset: ade20k, method: New", "  - nothing\n  - {dataset: ade20k, method: New", "entry 2: expected"),
        ("source: Somebody 2020", "sources: Somebody 2020", "a.yaml: expected source, .*found defaults, numbers, sour"),
        ("source: Somebody 2020", "source: {", "a.yaml: not YAML"),
        ("source: Somebody 2020", "source: ''", "a.yaml, entry 1 .*source String should have at least 1"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_entry(old: str, new: str, expected: str) -> None:
    assert old in FILE
    with pytest.raises(UserError, match=f"(?s){expected}"):
        read_published(FILE.replace(old, new), "a.yaml")


def test_every_file_is_read() -> None:
    folder = Path(__file__).parents[2] / "reports" / "published"
    counts = [len(yaml.safe_load(path.read_text(encoding="utf-8"))["numbers"]) for path in folder.glob("*.yaml")]
    assert sum(counts) == len(published())


@pytest.mark.parametrize("dataset", ["ade20k", "celebamask_hq", "cityscapes", "coco_stuff"])
def test_the_table_has_every_number_once(dataset: str, tmp_path: Path) -> None:
    found = []
    for table in published_tables(dataset):
        values = [name for name in table.frame if name.startswith("published ")]
        shown = table.frame[values].to_numpy().ravel()
        found += [float(value) for value in shown[~np.isnan(shown)]]
        csv, markdown, *_ = table.write(tmp_path)
        track = table.frame["track"].iloc[0]
        assert csv.name == f"published-{dataset}-{track}.csv"
        assert set(table.frame["track"]) <= {track, ""}
        assert len(pd.read_csv(csv)) == len(table.frame)
        lines = [line for line in markdown.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
        assert len(lines) == len(table.frame) + 2
        assert len({line.count("|") for line in lines}) == 1
    assert sorted(found) == sorted(each.value for each in published(dataset))


def test_the_table_says_whose_numbers_these_are() -> None:
    table, text = published_tables("cityscapes")
    assert text.frame["method"].unique().tolist() == ["SCP-Diff"]
    assert any("never ranked together" in note for note in table.notes)
    assert table.frame["method"].iloc[0] == "SDM"
    assert table.frame["method"].iloc[-1] == REAL
    assert not {"FID", "LPIPS", "mIoU"} & set(table.frame), "as columns of measured rows are called"
    assert (table.frame[["protocol", "mark", "source"]] != "").all(axis=None)
    assert "None of these numbers was measured by this program" in table.notes[0]
    remark = "SPADE FID 71.8: by pytorch-fid; which photographs was asked in NVlabs/SPADE issue 14 and not answered"
    assert any(remark in note for note in table.notes)
    with pytest.raises(UserError, match="Unknown dataset 'folder'"):
        published_tables("folder")
