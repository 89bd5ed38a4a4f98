"""A line is a sample set under a protocol, and lines are never merged unless somebody asks for a mean."""

import pytest

from reports.comparability import incomparable
from reports.lines import make_lines, telling_columns
from sdm_bench.results.rows import ResultRow
from tests.results.test_rows import row

METRICS = ("fid", "lpips", "miou")


def fid(**changes: object) -> ResultRow:
    return row(**{"metric": "fid", "measure": "fid", **changes})


def miou(**changes: object) -> ResultRow:
    about = {"metric": "miou", "measure": "miou", "direction": "higher", "value": 0.5, "extractor": "unet"}
    return row(**{**about, "num_real": None, "reference_sha256": "", **changes})


def test_numbers_of_one_sample_set_share_a_line() -> None:
    (line,) = make_lines([fid(), miou()], METRICS)
    assert set(line.rows) == {"fid", "miou"}


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"weights_sha256": "b" * 64}, "weights"),
        ({"sample_set": "t", "manifest_sha256": "cd", "folder": "runs/b"}, "folder"),
        ({"sample_set": "t", "image_size": "128x64"}, "size"),
        ({"split": "test", "sample_set": "t"}, "split"),
        ({"training_steps": 200, "weights_sha256": "b" * 64}, "training steps"),
        ({"training_seed": 1, "weights_sha256": "b" * 64}, "training seed"),
        ({"configuration_sha256": "c" * 64, "weights_sha256": "b" * 64}, "configuration"),
        ({"labels_sha256": "l" * 64, "sample_set": "t"}, "labels"),
        ({"sample_set": "t", "incomplete": "1 of 5 missing"}, "incomplete"),
        ({"sample_set": "t", "manifest_sha256": "cd"}, "sample set"),
    ],
)
def test_lines_that_would_look_alike_are_told_apart_by_themselves(changes: dict[str, object], column: str) -> None:
    rows = [fid(value=100.0), miou(value=0.9), fid(value=50.0, **changes), miou(value=0.4, **changes)]
    lines = make_lines(rows, METRICS)
    assert {(line.rows["fid"].value, line.rows["miou"].value) for line in lines} == {(100.0, 0.9), (50.0, 0.4)}
    assert column in telling_columns(lines)
    shown = [tuple(line.field(name) for name in telling_columns(lines)) for line in lines]
    assert len(set(shown)) == 2


def test_nothing_is_shown_that_tells_nothing() -> None:
    lines = make_lines([fid(), fid(guidance=2.0, sample_set="t", weights_sha256="b" * 64)], METRICS)
    assert telling_columns(lines) == []


def test_a_second_segmenter_is_a_line_of_its_own() -> None:
    rows = [fid(), miou(), miou(extractor="drn", extractor_sha256="f" * 64, value=0.7)]
    lines = make_lines(rows, METRICS)
    assert [sorted(line.rows) for line in lines] == [["fid", "miou"], ["miou"]]
    assert telling_columns(lines)[0] == "segmenter"


def test_of_two_rows_with_one_key_the_newer_holds() -> None:
    rows = [fid(value=1.0, time="2026-01-02"), fid(value=2.0, time="2026-01-01")]
    (line,) = make_lines(rows, METRICS)
    assert line.rows["fid"].value == 1.0


def test_the_ceiling_of_one_size_is_not_that_of_another() -> None:
    sizes = {"64x32": 0.5, "128x64": 0.6}
    real = {"method": "real photographs", "solver": "", "steps": None, "guidance": None, "weights_sha256": ""}
    rows = [miou(image_size=size, sample_set=size, value=value - 0.1) for size, value in sizes.items()]
    rows += [miou(image_size=size, sample_set=f"real {size}", value=value, **real) for size, value in sizes.items()]
    lines = make_lines(rows, METRICS)
    assert "size" in telling_columns(lines)
    found = [(line.field("method"), line.field("size"), line.rows["miou"].value) for line in lines]
    assert found == [
        ("SDM", "64x32", 0.4), ("real photographs", "64x32", 0.5),
        ("SDM", "128x64", 0.5), ("real photographs", "128x64", 0.6),
    ]  # fmt: skip


def training(seed: int, value: float, **changes: object) -> ResultRow:
    about = {
        "training_seed": seed,
        "weights_sha256": str(seed) * 64,
        "sample_set": f"s{seed}",
        "folder": f"runs/{seed}",
    }
    return fid(**{**about, "value": value, **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_images": 4}, "the number of pictures (5, 4)"),
        ({"image_size": "8x4"}, "their size (8x4, 64x32)"),
        ({"reference_sha256": "q"}, "the reference set (r, q)"),
        ({"incomplete": "1 of 5 missing"}, "completeness (complete, 1 of 5 missing)"),
        ({"split": "test"}, "the split (test, val)"),
        ({"labels_sha256": "b" * 64}, "the label maps (aaaaaaaa, bbbbbbbb)"),
        ({"protocol_sha256": "q"}, "the protocol's content (p, q)"),
        ({"extractor_sha256": "f" * 64}, "the network of features (inception e, inception ffffffff)"),
        ({"seeds": "0-3,5"}, "the number of seeds (2, 5)"),
    ],
)
def test_what_does_not_compare_is_said(changes: dict[str, object], said: str) -> None:
    labels = {"labels_sha256": "a" * 64}
    guided = {**labels, "guidance": 2.0, "sample_set": "t"}
    assert incomparable(make_lines([fid(**labels), fid(**guided)], METRICS)) == []
    (sentence,) = incomparable(make_lines([fid(**labels), fid(**{**guided, **changes})], METRICS))
    assert said in sentence
    assert sentence.startswith("Numbers of Cityscapes under sdm-bench@1 are not comparable throughout")
    elsewhere = make_lines([fid(), fid(dataset="ade20k", **changes)], METRICS)
    assert incomparable(elsewhere) == [], "other datasets always differ"


def test_a_segmenter_is_told_by_its_tensors_and_not_by_where_it_lies() -> None:
    rows = [miou(extractor="a/unet"), miou(extractor="b/unet", guidance=2.0, sample_set="t")]
    assert incomparable(make_lines(rows, METRICS)) == []
    rows.append(miou(extractor="a/unet", extractor_sha256="f" * 64, guidance=3.0, sample_set="u"))
    (sentence,) = incomparable(make_lines(rows, METRICS))
    assert "the segmenter (a/unet e, a/unet ffffffff)" in sentence
    moved = [miou(extractor="a/unet"), miou(extractor="b/unet", sample_set="t")]
    assert telling_columns(make_lines(moved, METRICS)) == ["sample set"]


def test_one_seed_of_pictures_that_repeat_compares_with_several() -> None:
    def spade(**changes: object) -> ResultRow:
        return fid(method="spade", sample_set="spade", seeds="0", **changes)

    zero = spade(metric="lpips", measure="lpips", value=0.0, extractor_sha256="")
    assert incomparable(make_lines([fid(), spade(), zero], METRICS)) == []
    (sentence,) = incomparable(make_lines([fid(), spade()], METRICS))
    assert "the number of seeds (2, 1)" in sentence


REAL_ROW = {"method": "real photographs", "solver": "", "steps": None, "guidance": None, "weights_sha256": ""}


@pytest.mark.parametrize(
    ("ours", "theirs", "column"),
    [
        ({"labels_sha256": "l" * 64}, {"labels_sha256": "m" * 64}, "labels"),
        ({"extractor_sha256": "l" * 64}, {"extractor_sha256": "m" * 64}, "segmenter"),
    ],
)
def test_a_ceiling_says_which_lines_it_belongs_to(ours: dict, theirs: dict, column: str) -> None:
    rows = [
        miou(sample_set=f"{name}{kind.get('labels_sha256', '')}", value=value, **made, **kind)
        for kind, value in ((ours, 0.4), (theirs, 0.6))
        for name, made in (("sdm", {}), ("real", REAL_ROW))
    ]
    lines = make_lines(rows, METRICS)
    assert telling_columns(lines) == [column]
    said = [(line.field("method"), line.field(column)[-8:]) for line in lines]
    assert len(set(said)) == 4
    if column == "labels":
        assert said == [
            ("SDM", "l" * 8),
            ("real photographs", "l" * 8),
            ("SDM", "m" * 8),
            ("real photographs", "m" * 8),
        ]
    assert telling_columns(make_lines(rows[:2], METRICS)) == []


def test_columns_tell_lines_apart_that_a_table_shows_less_of() -> None:
    lines = make_lines([fid(), fid(variant="icpe", sample_set="t")], METRICS)
    assert telling_columns(lines) == []
    assert telling_columns(lines, [lambda line: line.field("method")]) == ["sample set"]
