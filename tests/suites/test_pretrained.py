"""What `run --pretrained` makes of a suite: trainings give way to checkpoints that ship."""

from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints import shipped
from sdm_bench.suites.plan import make_plan
from sdm_bench.suites.pretrained import pretrained
from sdm_bench.suites.schema import Suite
from sdm_bench.suites.suite import find_suite, read_suite
from tests.suites.small import planned, write_suite

SUITE = """
    name: small
    datasets:
      cityscapes: {toy: {train: 4, val: 3, size: 64x32, seed: 5}, segmenter: {method: unet, steps: 2, toy: {train: 3}}}
      ade20k: {toy: {train: 4, val: 3, size: 64x64}, segmenter: {method: unet, steps: 2}}
      camvid: {dataset: folder, root: somewhere}
    methods:
      sdm: {train: [{steps: 2}, {steps: 1}], generate: {solver_steps: 7}, training_seeds: 2, factors: {eta: [0.0, 0.5]}}
      spade: {train: {steps: 2}}
      oasis: {train: {steps: 2}}
    factors: {guidance: [1.0, 1.5], learning_rate: [1.0e-4, 1.0e-3]}
    training_seeds: 3
"""


@pytest.fixture(autouse=True)
def ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SDM and the segmenter ship for both datasets, SPADE for Cityscapes."""
    for name in ("cityscapes/sdm", "cityscapes/spade", "cityscapes/unet", "ade20k/sdm", "ade20k/unet"):
        file = tmp_path / "ships" / f"{name}.safetensors"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "ships")


def changed(folder: Path, text: str) -> tuple[Suite, list[str]]:
    return pretrained(read_suite(write_suite(folder, text))[0])


def test_trainings_become_what_ships_and_the_rest_is_named(tmp_path: Path) -> None:
    suite, left_out = changed(tmp_path, SUITE)
    assert suite.name == "small-pretrained"
    assert {name: (entry.checkpoint, entry.datasets) for name, entry in suite.methods.items()} == {
        "sdm": ("toy", ("cityscapes", "ade20k")),
        "spade": ("toy", ("cityscapes",)),
    }
    sdm = suite.methods["sdm"]
    assert (sdm.stages, sdm.training_seeds) == ((), None)
    assert (sdm.generate.solver_steps, sdm.factors) == (7, {"eta": (0.0, 0.5)})
    assert {*suite.factors} == {"guidance"}
    assert left_out == [
        "oasis (no checkpoint ships)",
        "the dataset camvid",
        "spade of ade20k (no checkpoint ships)",
    ]


def test_the_scenes_are_the_same_ones_of_val(tmp_path: Path) -> None:
    suite, _ = changed(tmp_path, SUITE)
    assert [*suite.datasets] == ["cityscapes", "ade20k"]
    assert all(data.segmenter == "toy" for data in suite.datasets.values())
    toy = suite.datasets["cityscapes"].toy
    assert toy is not None
    assert toy.model_dump() == {"train": 0, "val": 3, "size": "64x32", "seed": 5}
    of_train, _ = changed(tmp_path, SUITE.replace("seed: 5}", "seed: 5}, split: train"))
    kept = of_train.datasets["cityscapes"].toy
    assert kept is not None
    assert kept.train == 4


def test_the_plan_trains_nothing_and_shares_no_cell_with_that_of_the_suite(tmp_path: Path) -> None:
    path = write_suite(tmp_path, SUITE)
    real, made = make_plan(path), make_plan(path, shipped=True)
    assert {cell.kind for cell in made.cells.values()} == {"data", "generate", "evaluate", "report"}
    assert made.by_id.keys().isdisjoint(real.by_id)
    assert not any(cell.lacks for cell in made.cells.values())
    sampled = [cell for cell in made.cells.values() if cell.kind == "generate"]
    # SDM with two guidances and two etas on two datasets, SPADE on one
    assert len(sampled) == 2 * 2 * 2 + 1
    assert {cell.options["checkpoint"] for cell in sampled} == {"toy"}
    # the scenes are as the suite has them
    name = "generate.cityscapes.spade"
    of_suite = next(cell for cell in real.cells.values() if cell.name.startswith(f"{name}.learning_rate"))
    scenes = "label maps and photographs"
    assert made.cells[name].decided_by[scenes] == of_suite.decided_by[scenes]


def test_what_has_a_checkpoint_already_stays(tmp_path: Path) -> None:
    text = SUITE.replace("oasis: {train: {steps: 2}}", "oasis: {checkpoint: somebody.pth, datasets: [camvid]}")
    suite, left_out = changed(tmp_path, text)
    assert (suite.methods["oasis"].checkpoint, suite.methods["oasis"].datasets) == ("somebody.pth", ("camvid",))
    assert suite.datasets["camvid"].root == "somewhere"
    assert left_out == [
        f"{each} (no checkpoint ships)" for each in ("sdm of camvid", "spade of ade20k", "spade of camvid")
    ]


@pytest.mark.parametrize(
    ("wrong", "right", "left_out"),
    [
        (
            "spade: {train: {steps: 2}}",
            "spade: {train: {steps: 2}, raw: true}",
            "spade (raw; what ships is an average)",
        ),
        ("spade: {train: {steps: 2}}", "spade: {train: {steps: 2, image_size: 48}}", "spade (image_size of its own)"),
        ("{steps: 1}]", "{steps: 1, network: {model_channels: 64}}]", "sdm (network of its own)"),
        ("{eta: [0.0, 0.5]}", "{condition_dropout: [0.0, 0.2]}", "sdm (condition_dropout of its own)"),
    ],
)
def test_trainings_of_other_networks_than_ship_are_left_out(
    tmp_path: Path, wrong: str, right: str, left_out: str
) -> None:
    assert wrong in SUITE
    assert left_out in changed(tmp_path, SUITE.replace(wrong, right))[1]


@pytest.mark.parametrize(
    ("more", "exclude", "only"),
    [
        ("exclude: [{training_seed: 1}, {method: oasis}, {learning_rate: 1.0e-4}]", (), ()),
        ("exclude: [{method: [sdm, oasis], guidance: 1.5}]", ({"method": ["sdm", "oasis"], "guidance": 1.5},), ()),
        ("only: [{training_seed: 0, method: sdm}, {method: oasis}]", (), ({"method": "sdm"},)),
        ("only: [{dataset: ade20k}, {dataset: camvid}]", (), ({"dataset": "ade20k"},)),
    ],
)
def test_conditions_go_where_what_they_are_about_goes(tmp_path: Path, more: str, exclude: tuple, only: tuple) -> None:
    text = f"{SUITE}    {more}\n"
    suite, _ = changed(tmp_path, text)
    assert (suite.exclude, suite.only) == (exclude, only)
    assert make_plan(write_suite(tmp_path, text), shipped=True).cells


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            SUITE.replace("spade: {", "spade: {preset: paper, "),
            r"preset 'toy' ship; small trains spade \(paper\) by others",
        ),
        (SUITE + "    only: [{method: oasis}]\n", r"nothing ships of what `only` leaves of small"),
        (
            "    name: none\n    datasets: {camvid: {dataset: folder, root: x}}\n"
            "    methods: {sdm: {train: {steps: 1}}}\n",
            r"takes the place of a training of none: sdm \(no checkpoint ships\)",
        ),
        (
            "    name: none\n    datasets: {cityscapes: {toy: {val: 1}}}\n    methods: {sdm: {checkpoint: toy}}\n",
            r"takes the place of a training of none, for it trains nothing",
        ),
    ],
)
def test_suites_of_which_nothing_ships_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=f"^--pretrained: .*{message}"):
        changed(tmp_path, text)


def test_without_it_nothing_changes(tmp_path: Path) -> None:
    assert planned(tmp_path, SUITE).left_out == ()


def test_the_shipped_suite_has_its_diffusion_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    made = make_plan(find_suite("toy"), shipped=True)
    for dataset, names in shipped.shipped().items():
        for name in {*names} - {"unet"}:
            cells = [each for each in made.cells if each.startswith(f"generate.{dataset}.{name}.guidance-")]
            assert len(cells) == (2 if name.startswith("sdm") else 0)
            numbers = [each for each in made.cells if each.startswith(f"evaluate.{dataset}.{name}.")]
            assert len(numbers) == (8 if name.startswith("sdm") else 4)
