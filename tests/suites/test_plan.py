"""Keys: everything that decides a result is in them, and nothing else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints import shipped
from sdm_bench.models.methods import DISCRIMINATORS
from sdm_bench.suites import measuring, plan
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.code import _modules, _read
from sdm_bench.suites.plan import Plan, make_plan
from sdm_bench.toy import write_toy
from tests.suites.small import SUITE, planned, write_suite

SEGMENTER = "{method: unet, steps: 5, toy: {train: 3, size: 64x32, seed: 9}}"


def keys(made: Plan) -> dict[str, str]:
    return _keys(made.cells)


def _keys(cells: Mapping[str, Cell]) -> dict[str, str]:
    return {cell.name: cell.key for cell in cells.values()}


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


def test_each_cell_comes_after_those_it_needs(tmp_path: Path) -> None:
    made = planned(tmp_path, SUITE.replace("segmenter: toy", f"segmenter: {SEGMENTER}"))
    before: set[str] = set()
    for cell in made.cells.values():
        assert set(cell.inputs.values()) <= before
        before.add(cell.id)
    kinds = [cell.kind for cell in made.cells.values()]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "data": 2, "segmenter": 1, "train": 1, "generate": 3, "evaluate": 6, "report": 1,
    }  # fmt: skip
    assert list(made.cells.values())[-1].kind == "report"


def test_a_key_is_the_same_on_every_machine(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
    assert keys(planned(first)) == keys(planned(second))


def test_one_changed_field_of_a_protocol_makes_exactly_the_cells_below_it_other_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys(planned(tmp_path))
    original = measuring.protocol

    def other(name: str) -> Any:
        found = original(name)
        fields = {**found.metrics["lpips"]["cityscapes"], "samples": 7}
        metrics = {**found.metrics, "lpips": {**found.metrics["lpips"], "cityscapes": fields}}
        return found.model_copy(update={"metrics": metrics})

    monkeypatch.setattr(measuring, "protocol", other)
    assert changed(before, keys(planned(tmp_path))) == {
        "report", *(name for name in before if name.endswith(".lpips"))
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "right", "kinds"),
    [
        ("{steps: 2}", "{steps: 3}", {"train", "generate", "evaluate", "report"}),
        ("{steps: 2}", "{steps: 2, save_every: 1}", set()),
        ("[1.0, 1.5]}", "[1.0, 1.5]}\n    sampling_seeds: 0-1", {"generate", "evaluate", "report"}),
        ("segmenter: toy", "segmenter: toy/", {"evaluate", "report"}),
        ("train: 4", "train: 5", {"data", "train", "generate", "evaluate", "report"}),
    ],
)
def test_what_an_option_decides(tmp_path: Path, wrong: str, right: str, kinds: set[str]) -> None:
    before, after = planned(tmp_path), planned(tmp_path, SUITE.replace(wrong, right))
    names = changed(keys(before), keys(after))
    assert {before.cells[name].kind for name in names} == kinds
    if "train" in kinds:
        # the network that is not trained has nothing to do with it
        assert not any(".spade" in name for name in names)


def test_a_segmenter_guides_where_the_factor_says_so_and_its_content_counts(tmp_path: Path) -> None:
    guide = tmp_path / "noisy"
    text = f"""
        name: small
        datasets: {{cityscapes: {{toy: {{train: 4, val: 3, size: 64x32}}}}}}
        methods:
          sdm: {{checkpoint: toy, generate: {{segmenter: {guide}}}}}
        factors: {{guidance_by: [null-label, segmenter], guidance: [1.0]}}
        metrics: []
    """
    absent = planned(tmp_path, text).cells
    names = [name for name in absent if name.startswith("generate")]
    assert ["no such segmenter" in "".join(absent[name].lacks) for name in names] == [False, True]
    guide.mkdir()
    found = []
    for content in ("one", "two"):
        (guide / "train.json").write_text(content)
        found.append(planned(tmp_path, text).cells)
    assert [found[0][name].key == found[1][name].key for name in names] == [True, False]
    off, by = (found[0][name].options for name in names)
    assert "guidance_by" in off
    assert off.get("segmenter") is None
    assert by["segmenter"] == str(guide)


def test_what_ships_is_that_of_the_dataset_and_its_content_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
        name: small
        datasets:
          ade20k: {toy: {val: 3, size: 64x64}, segmenter: toy}
          coco_stuff: {toy: {val: 3, size: 64x64}, segmenter: toy}
        methods: {spade: {checkpoint: toy}}
        metrics: [miou]
    """
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    found = []
    for content in ("one", "other"):
        for name in ("spade", "unet"):
            (tmp_path / "ade20k").mkdir(exist_ok=True)
            (tmp_path / "ade20k" / f"{name}.safetensors").write_text(content if name == "unet" else "")
        found.append(planned(tmp_path, text).cells)
    numbers = {name: cell for name, cell in found[0].items() if cell.kind == "evaluate"}
    assert [cell.lacks == () for cell in numbers.values()] == [True, False]
    assert "--segmenter toy: no toy checkpoint of 'unet' for coco_stuff ships" in "".join([*numbers.values()][1].lacks)
    assert "no toy checkpoint of 'spade' for coco_stuff" in "".join(found[0]["generate.coco_stuff.spade"].lacks)
    assert changed(*map(_keys, found)) == {"evaluate.ade20k.spade.sdm-bench@1.miou", "report"}


@pytest.mark.parametrize("nothing", ["metrics: []", "protocols: []"])
def test_of_a_dataset_without_metrics_samples_are_made_and_the_report_waits_for_them(
    tmp_path: Path, nothing: str
) -> None:
    text = f"""
        name: small
        datasets:
          cityscapes: {{toy: {{val: 3, size: 64x32}}}}
          streets: {{dataset: cityscapes, toy: {{val: 1, size: 64x32}}, {nothing}}}
        methods: {{spade: {{checkpoint: toy}}}}
        metrics: [lpips]
    """
    cells = planned(tmp_path, text).cells
    assert [*cells] == [
        *("data.cityscapes", "generate.cityscapes.spade", "evaluate.cityscapes.spade.sdm-bench@1.lpips"),
        *("data.streets", "generate.streets.spade", "report"),
    ]
    report, samples = cells["report"], cells["generate.streets.spade"]
    assert [*report.inputs] == ["evaluate.cityscapes.spade.sdm-bench@1.lpips", "generate.streets.spade"]
    assert report.options["samples"][1] == samples.work_folder
    more = planned(tmp_path, text.replace("val: 1", "val: 2")).cells
    assert changed(_keys(cells), _keys(more)) == {"data.streets", "generate.streets.spade", "report"}


def test_further_seeds_and_shards_go_where_the_samples_are(tmp_path: Path) -> None:
    before = planned(tmp_path)
    after = planned(tmp_path, SUITE + "    shards: 2\n")
    one = before.cells["generate.cityscapes.spade"]
    two = [cell for cell in after.cells.values() if cell.name.startswith("generate.cityscapes.spade.shard")]
    assert {cell.work for cell in two} == {one.work}
    assert len({cell.key for cell in two}) == 2
    name = "evaluate.cityscapes.spade.sdm-bench@1.miou"
    assert before.cells[name].key == after.cells[name].key
    assert {each for each in after.cells[name].inputs.values() if "generate" in each} == {cell.id for cell in two}


def test_stages_of_a_training_follow_each_other(tmp_path: Path) -> None:
    stages = (
        "sdm: {train: [{steps: 2}, {steps: 1, condition_dropout: 0.2}], factors: {learning_rate: [1.0e-4, 1.0e-3]}}"
    )
    made = planned(tmp_path, SUITE.replace("sdm: {train: {steps: 2}}", stages))
    trained = [cell for cell in made.cells.values() if cell.kind == "train"]
    # the factor is of the last stage, so that both start from one first stage
    assert len(trained) == 3
    (first,) = [cell for cell in trained if cell.name.endswith(".stage-1")]
    assert [cell.inputs.get("init") for cell in trained if cell is not first] == [first.id, first.id]
    assert all(
        "learning_rate" in cell.options["variant"]
        for cell in made.cells.values()
        if ".sdm" in cell.name and cell.kind == "generate"
    )


def test_real_data_are_known_by_their_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDM_BENCH_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "data"
    write_toy("cityscapes", root, {"train": 2, "val": 2}, (32, 64))
    text = SUITE.replace("{toy: {train: 4, val: 3, size: 64x32}, segmenter: toy}", "{segmenter: toy}")
    path = write_suite(tmp_path, text)
    absent = make_plan(path)
    assert all(cell.lacks for cell in absent.cells.values() if cell.kind not in ("report",))
    before = make_plan(path, {"cityscapes": root})
    moved = root.rename(tmp_path / "moved")
    assert keys(before) == keys(make_plan(path, {"cityscapes": moved}))
    photograph = next(moved.rglob("val/*/*leftImg8bit.png"))
    photograph.write_bytes(next(moved.rglob("train/*/*leftImg8bit.png")).read_bytes())
    names = changed(keys(before), keys(make_plan(path, {"cityscapes": moved})))
    assert not any(name.startswith("train.") for name in names)
    assert any(name.startswith("generate.") for name in names)
    with pytest.raises(UserError, match="--data other: the suite's datasets are cityscapes"):
        make_plan(path, {"other": moved})


def test_an_optional_dataset_is_left_out_until_somebody_says_where_it_is(tmp_path: Path) -> None:
    text = """
        name: small
        datasets:
          cityscapes: {toy: {val: 3, size: 64x32}, segmenter: toy}
          streets: {dataset: cityscapes, optional: true, segmenter: toy}
        methods:
          spade: {checkpoint: toy}
        exclude: [{dataset: streets, metric: lpips}]
    """
    path = write_suite(tmp_path, text)
    without = make_plan(path)
    assert without.left_out == ("streets: optional, and left out; `sdm-bench run --data streets=DIR` adds it",)
    assert not any("streets" in name for name in without.cells)
    write_toy("cityscapes", tmp_path / "data", {"val": 2}, (32, 64))
    whole = make_plan(path, {"streets": tmp_path / "data"})
    assert whole.left_out == ()
    assert keys(without).items() - keys(whole).items() == {("report", without.cells["report"].key)}
    assert {name for name in whole.cells if "streets" in name} == {
        "data.streets",
        "generate.streets.spade",
        "evaluate.streets.spade.sdm-bench@1.fid",
        "evaluate.streets.spade.sdm-bench@1.miou",
    }


def test_only_code_that_a_cell_passes_through_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    decided = {
        kind: plan.code_of(kind, what) for kind, what in (("train", "sdm"), ("generate", "spade"), ("evaluate", "fid"))
    }
    assert "code of sdm_bench.diffusion" in decided["train"]
    assert "code of sdm_bench.metrics" not in decided["train"]
    assert not any("code of sdm_bench" in each for each in decided.values())
    assert "code of sdm_bench.training" not in decided["generate"]
    assert "code of segmenters" not in decided["evaluate"]
    assert "code of segmenters" in plan.code_of("evaluate", "miou")
    assert plan.code_of("generate", "spade") != plan.code_of("generate", "oasis")
    discriminator = DISCRIMINATORS["multiscale"].partition(":")[0]
    assert [discriminator in _modules("train", each) for each in ("sdm", "spade")] == [False, True]


def test_comments_and_docstrings_are_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def digest(text: str) -> str:
        file = tmp_path / "module.py"
        file.write_text(text)
        monkeypatch.setattr("sdm_bench.suites.code._file", lambda name: file)
        return _read.__wrapped__("x")[0]  # type: ignore[attr-defined]

    plain = digest("def f():\n    return 1\n")
    assert digest('"""Says."""\n\n# why\ndef f():\n    """Gives\n    one."""\n    return 1\n') == plain
    assert digest("def f():\n    return 2\n") != plain


def test_the_network_of_a_perceptual_loss_decides_a_training_of_a_gan_that_has_one(tmp_path: Path) -> None:
    def trained(method: str, option: str) -> str:
        text = f"""
            name: small
            datasets: {{cityscapes: {{toy: {{train: 4, val: 3, size: 64x32}}}}}}
            methods: {{{method}: {{train: {{steps: 2{option}}}}}}}
            metrics: []
        """
        return next(cell.key for cell in planned(tmp_path, text).cells.values() if cell.kind == "train")

    keys = {trained("spade", option) for option in ("", ", perceptual: none", ", perceptual: lpips-vgg")}
    assert len(keys) == 3
    for method in ("sdm", "oasis"):
        with pytest.raises(UserError, match=f"{method} is trained without a perceptual loss"):
            trained(method, ", perceptual: lpips-vgg")


def test_statistics_and_captions_go_to_the_metrics_that_take_them(tmp_path: Path) -> None:
    statistics, captions = tmp_path / "real.npz", tmp_path / "captions.json"
    text = f"""
        name: small
        datasets:
          cityscapes:
            toy: {{train: 4, val: 3, size: 64x32}}
            statistics: {statistics}
            fd_infinity: true
            captions: {captions}
        methods: {{spade: {{checkpoint: toy}}}}
        metrics: [fid, lpips, clip_score]
        protocols: [sdm-bench@1]
    """

    def numbers() -> dict[str, Cell]:
        cells = planned(tmp_path, text).cells.values()
        return {cell.options["metric"]: cell for cell in cells if cell.kind == "evaluate"}

    absent = numbers()
    assert "neither a file or folder" in "".join(absent["fid"].lacks)
    assert f"captions {captions}: no such file" in "".join(absent["clip_score"].lacks)
    assert absent["lpips"].lacks == ()
    found = []
    for content in ("one", "other"):
        statistics.write_text(content)
        captions.write_text(content)
        found.append(numbers())
    one, other = found
    assert {name: one[name].key == other[name].key for name in one} == {
        "fid": False,
        "lpips": True,
        "clip_score": False,
    }
    assert one["fid"].options["statistics"] == str(statistics)
    assert one["fid"].options["fd_infinity"] is True
    assert one["clip_score"].options["captions"] == str(captions)
    assert not {"statistics", "fd_infinity", "captions"} & one["lpips"].options.keys()


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("guidance: [1.0, 1.5]", "guidance: [1, 1.0]", "guidance: expected values, each once"),
        ("guidance: [1.0, 1.5]", "guidance: [.nan]", "guidance: Input should be a finite number"),
        (
            "guidance: [1.0, 1.5]",
            "threshold: ['a b', a_b]",
            "line 1: two different cells .*threshold-a_b",
        ),
        (
            "guidance: [1.0, 1.5]",
            "segmenter: ['a b', a_b], guidance_by: [segmenter]",
            "line 1: two different cells .*segmenter-a_b",
        ),
        (
            "metrics:",
            "report: {tables: [tabel1]}\n    metrics:",
            "report: Unknown table 'tabel1'. Did you mean",
        ),
        ("metrics:", "report: {factors: [guidence]}\n    metrics:", "report: Unknown factor 'guidence'"),
        (
            "metrics:",
            "report: {names: {methods: {sdm: X, spade: X}}}\n    metrics:",
            "report: names: sdm and spade would both be called X",
        ),
    ],
)
def test_what_would_merge_cells_or_fail_at_the_end_is_refused_first(
    right: str, wrong: str, message: str, tmp_path: Path
) -> None:
    assert right in SUITE
    with pytest.raises(UserError, match=rf"small\.yaml, .*{message}"):
        planned(tmp_path, SUITE.replace(right, wrong))
