"""The figures of numbers: their data are the rows, and only what may be compared stands in one."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from reports.figures import style
from reports.figures.classes import classes
from reports.figures.guidance import guidance
from reports.figures.material import Material
from reports.figures.plane import plane
from reports.figures.registry import FIGURES, NothingToDraw, draw
from reports.figures.sensitivity import sensitivity
from reports.figures.solvers import solvers
from reports.figures.training import training
from reports.published.numbers import published
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import write_json
from sdm_bench.results.rows import REAL, ResultRow
from sdm_bench.sampling.cost import COST_FILE, Cost, Timing
from sdm_bench.sampling.folders import SampleFolder, SampleOptions
from tests.conftest import tiny_options
from tests.reports.test_tables import of


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "DPI", 40)


def three(method: str, scale: float | None, values: tuple[float, float, float], **changes: object) -> list[ResultRow]:
    """FID, mIoU and LPIPS of a sample set."""
    fid, miou, lpips = values
    return [
        of(method, scale, "fid", value=fid, spread=1.0, spread_over="seeds", **changes),
        of(method, scale, "miou", value=miou, **changes),
        of(method, scale, "lpips", value=lpips, spread=0.3, spread_over="label maps", **changes),
    ]


SWEEP = [row for s, values in {1.0: (40, 0.5, 0.3), 1.5: (30, 0.55, 0.2), 3.0: (35, 0.6, 0.1)}.items()
         for row in three("sdm", s, values)]  # fmt: skip
GAN = three("spade", None, (80.0, 0.4, 0.0))


def test_guidance_draws_the_rows_that_differ_in_it_alone(capsys: pytest.CaptureFixture[str]) -> None:
    ceiling = of(REAL, None, "miou", track="", sample_set="real", value=0.58)
    (drawing,) = guidance(Material([*SWEEP, *GAN, ceiling]))
    data = drawing.data
    assert drawing.name == "guidance"
    assert "SPADE left out" in capsys.readouterr().err
    measured = data[data["series"] == "SDM"]
    assert measured["id"].tolist() == [
        row.id for metric in ("fid", "miou", "lpips") for row in SWEEP if row.metric == metric
    ]
    assert measured["guidance"].tolist() == [1.0, 1.5, 3.0] * 3
    assert data[data["series"] == "photographs"]["value"].tolist() == [0.58]
    halves = measured.groupby("metric")["error"].first()
    assert halves["fid"] == 1.0
    assert halves["lpips"] == pytest.approx(0.3 / 5**0.5), "standard error of the mean over 5 label maps"
    assert np.isnan(halves["miou"])
    with pytest.raises(NothingToDraw, match="nothing measured at two guidance scales"):
        guidance(Material(GAN))


def test_two_trainings_are_two_curves_unless_their_mean_was_asked_for() -> None:
    rows = [
        row
        for seed in (0, 1)
        for s in (1.0, 2.0)
        for row in three("sdm", s, (30 + seed, 0.5, 0.2), training_seed=seed, weights_sha256=str(seed) * 64,
                         sample_set=f"{seed} {s}")
    ]  # fmt: skip
    (drawing,) = guidance(Material(rows))
    assert list(drawing.data["series"].unique()) == ["SDM, training seed 0", "SDM, training seed 1"]
    (drawing,) = guidance(Material(rows, average=True))
    fid = drawing.data[drawing.data["metric"] == "fid"]
    assert fid["value"].tolist() == [30.5, 30.5]
    assert fid["error"].tolist() == pytest.approx([0.5**0.5] * 2)
    assert fid["id"].tolist() == ["", ""]


@pytest.mark.parametrize(
    "changes",
    [
        {"dataset": "ade20k"}, {"protocol": "sdm@1"}, {"protocol_sha256": "q"}, {"split": "test"},
        {"image_size": "128x64"}, {"labels_sha256": "m"}, {"num_images": 4}, {"incomplete": "1 of 5 missing"},
        {"extractor_sha256": "f"}, {"track": "text", "method": "ControlNet"},
    ],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_what_may_not_be_compared_stands_in_figures_of_its_own(changes: dict) -> None:
    other = three(**{"method": "sdm", "scale": 2.0, "values": (1.0, 0.9, 0.9), "sample_set": "other", **changes})
    drawings = plane(Material([*three("sdm", 1.5, (30, 0.5, 0.2)), *other]))
    assert len({drawing.name for drawing in drawings}) == len(drawings)
    sets = [set(drawing.data["value"]) for drawing in drawings]
    assert {30.0, 0.2} in sets
    assert {1.0, 0.9} in sets
    assert not any({30.0, 1.0} <= values for values in sets)


def test_plane_has_a_point_a_line_and_says_what_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [*SWEEP, *GAN, of("oasis", None, value=50.0)]
    # LPIPS that is zero by construction needed no network
    rows = [row.model_copy(update={"extractor_sha256": ""}) if row.value == 0 else row for row in rows]
    (drawing,) = plane(Material(rows))
    assert "plane: OASIS left out: only fid measured" in capsys.readouterr().err
    assert list(drawing.data["series"].unique()) == ["SDM", "SDM s=1.5", "SDM s=3", "SPADE"]
    expected = {row.id for row in rows if row.metric in ("fid", "lpips") and row.method != "oasis"}
    found = dict(zip(drawing.data["id"], drawing.data["value"], strict=True))
    assert len(found) == len(expected) == 8
    assert sorted(found.values()) == sorted([40, 30, 35, 80, 0.3, 0.2, 0.1, 0.0])


def test_a_guided_step_is_two_evaluations() -> None:
    rows = [
        row
        for steps in (10, 20)
        for s in (1.0, 1.5)
        for solver in ("ddim", "ddpm")
        for row in three("sdm", s, (1000 / steps, 0.5, 0.2), solver=solver, steps=steps,
                         sample_set=f"{solver}{steps}{s}")
    ]  # fmt: skip
    (drawing,) = solvers(Material(rows))
    places = drawing.data.groupby("series")["evaluations"].unique().map(sorted).to_dict()
    assert places == {
        "SDM ddim": [10, 20], "SDM ddpm": [10, 20], "SDM ddim s=1.5": [20, 40], "SDM ddpm s=1.5": [20, 40],
    }  # fmt: skip
    with pytest.raises(NothingToDraw, match="two numbers of steps"):
        solvers(Material(GAN))


def steps(solver: str, counts: Sequence[int], **changes: object) -> list[ResultRow]:
    """A solver at several numbers of steps."""
    return [
        row
        for count in counts
        for row in three("sdm", 1.0, (1000 / count, 0.5, 0.2), solver=solver, steps=count,
                         sample_set=f"{solver}{count}", **changes)
    ]  # fmt: skip


def timed(folder: Path, row: ResultRow, *timings: Timing) -> Path:
    """A folder of a row's samples in which it is recorded how long they took."""
    height, width = row.image_size.split("x")[::-1]
    made = SampleOptions(
        method=row.method, dataset=row.dataset, data="d", split=row.split, labels_sha256=row.labels_sha256,
        image_size=(int(height), int(width)), recipe="sdm", stochastic=True, weights="w",
        weights_sha256=row.weights_sha256, solver=row.solver, solver_steps=row.steps, guidance=row.guidance,
    )  # fmt: skip
    SampleFolder(folder).start(made, [0], "")
    write_json(folder / COST_FILE, Cost(timings=timings).model_dump(mode="json"))
    return folder


def test_seconds_are_of_one_device_and_said_where_they_are_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = steps("ddim", (5, 10, 20))
    assert len(solvers(Material(rows))[0].figure.axes) == 3, "no time is recorded"
    cpu = {"device": "cpu", "batch_size": 8, "pictures": 4}
    of_steps = {row.steps: row for row in rows}
    folders = [
        timed(tmp_path / "5", of_steps[5], Timing(seconds=2.0, **cpu)),
        timed(tmp_path / "10", of_steps[10], Timing(seconds=4.0, **cpu)),
        timed(tmp_path / "20", of_steps[20], Timing(device="gpu", batch_size=8, pictures=4, seconds=0.4)),
    ]
    (drawing,) = solvers(Material(rows, folders=folders))
    found = drawing.data[drawing.data["metric"] == "fid"].set_index("evaluations")["seconds"]
    assert found.loc[[5, 10]].tolist() == [0.5, 1.0]
    assert np.isnan(found.loc[20])
    assert "not on the axis of seconds: no time recorded on cpu, batch 8" in capsys.readouterr().err
    labels = [axes.get_xlabel() for axes in drawing.figure.axes]
    assert labels == ["network evaluations a sample"] * 3 + ["seconds a sample (cpu, batch 8)"] * 3
    drawn = drawing.figure.axes[3].containers[0].lines[0]
    assert drawn.get_xdata().tolist() == [0.5, 1.0]
    assert drawn.get_ydata().tolist() == [200.0, 100.0]
    assert len(solvers(Material(rows, folders=folders[:1]))[0].figure.axes) == 3, "one time makes no curve"


def test_published_numbers_stand_apart_and_only_where_they_are_asked_for() -> None:
    rows = [*SWEEP, *GAN]
    assert not any(plane(Material(rows))[0].data["series"].str.contains("published"))
    for draw_it in (plane, guidance):
        (drawing,) = draw_it(Material(rows, published=True))
        theirs = drawing.data[drawing.data["series"].str.contains("published")]
        (ours,) = [each for each in published("cityscapes", "fid") if each.protocol == "sdm@1" and each.method == "sdm"]
        assert ours.value in theirs[theirs["metric"] == "fid"]["value"].tolist()
        assert theirs["series"].str.contains(r"SDM, published by Wang et al\. 2022 \(does not compare\)").any()
        assert theirs["note"].str.contains("under sdm@1, ours under sdm-bench@1").any()
        assert theirs["id"].isna().all()
        legend = [text.get_text() for text in drawing.figure.legends[0].get_texts()]
        assert any("published by Wang" in text for text in legend)
    # of what is measured alone: methods that nobody measured here have no lines among curves
    assert not any("CC-FPSE" in each for each in guidance(Material(rows, published=True))[0].data["series"])
    assert any("CC-FPSE" in each for each in plane(Material(rows, published=True))[0].data["series"])
    text = [row.model_copy(update={"track": "text", "method": "PITI"}) for row in SWEEP]
    assert not any("published" in each for each in plane(Material(text, published=True))[0].data["series"])


def test_classes_stand_in_the_order_of_the_ceiling() -> None:
    scores = {"road": 0.9, "sky": 0.8, "pole": 0.3}
    photographs = {"road": 0.7, "sky": 0.95, "pole": 0.5}
    rows = [of("sdm", 1.5, "iou", class_name=name, value=value) for name, value in scores.items()]
    ceiling = [
        of(REAL, None, "iou", track="", sample_set="real", class_name=name, value=value)
        for name, value in photographs.items()
    ]
    foreign = of(REAL, None, "iou", track="", sample_set="real", class_name="road", value=0.1, extractor_sha256="x")
    (drawing,) = classes(Material([*rows, *ceiling, foreign]))
    data = drawing.data.set_index(["series", "class"])["value"]
    assert data["photographs"].to_dict() == photographs
    assert list(data["photographs"].index) == ["sky", "road", "pole"]
    assert data["SDM s=1.5"].to_dict() == scores
    assert {*drawing.data["id"]} == {row.id for row in [*rows, *ceiling]}
    assert [text.get_text() for text in drawing.figure.axes[0].get_yticklabels()] == ["sky", "road", "pole"]


def test_ranks_cross_where_protocols_disagree(capsys: pytest.CaptureFixture[str]) -> None:
    scores = {"spade": (10.0, 30.0), "oasis": (20.0, 20.0), "clade": (20.0, 5.0)}
    rows = [
        of(method, None, value=value, protocol=protocol)
        for method, values in scores.items()
        for protocol, value in zip(("a@1", "b@1"), values, strict=True)
    ]
    rows.append(of("inade", None, value=1.0, protocol="a@1"))
    (drawing,) = sensitivity(Material(rows))
    assert "INADE left out: not measured under all of a@1, b@1" in capsys.readouterr().err
    ranked = drawing.data.set_index(["series", "protocol"])["rank"].to_dict()
    assert [ranked[name, "a@1"] for name in ("SPADE", "OASIS", "CLADE")] == [1, 2, 2]
    assert [ranked[name, "b@1"] for name in ("SPADE", "OASIS", "CLADE")] == [3, 2, 1]
    with pytest.raises(NothingToDraw, match="no two sample sets"):
        sensitivity(Material(rows[:1]))


def test_training_draws_the_lines_of_stats(toy_cityscapes: Path, tmp_path: Path) -> None:
    from sdm_bench.checkpoints.runs import TrainingRun

    runs = []
    for seed in (0, 1):
        run = TrainingRun(tmp_path / f"run-{seed}")
        run.start(tiny_options("sdm", toy_cityscapes, seed=seed), "")
        lines = [{"step": step, "seconds": 1.0, "steps_per_second": 2.0, "loss": step + seed / 4} for step in (10, 20)]
        (run.folder / "stats.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        runs.append(run.folder)
    (drawing,) = training(Material([], runs=runs))
    assert list(drawing.data["series"].unique()) == ["SDM, training seed 0", "SDM, training seed 1"]
    assert drawing.data["value"].tolist() == [10, 20, 10.25, 20.25]
    (runs[0] / "stats.jsonl").write_text('{"step": 1}\n{"loss": 2}\n')
    with pytest.raises(UserError, match=r"stats\.jsonl, line 2: expected a whole number `step`"):
        training(Material([], runs=runs))
    with pytest.raises(NothingToDraw, match=r"no stats\.jsonl in any of the runs"):
        training(Material([]))


def test_every_look_is_one_of_its_own_and_no_name_is_a_formula() -> None:
    assert len({(each.color, each.marker) for each in map(style.look, range(77))}) == 77
    (drawing,) = plane(Material(three("$x_1$ & more", None, (30, 0.5, 0.2))))
    files = drawing.files(["svg"])
    assert b"$x_1$" in files["plane.csv"]
    assert drawing.files(["svg"]) == files


def test_legends_stay_within_the_figure() -> None:
    methods = [f"a method with a rather long name, number {number}" for number in range(12)]
    rows = [row for number, name in enumerate(methods) for row in three(name, None, (30 + number, 0.5, 0.2))]
    (drawing,) = plane(Material(rows))
    with style.styled():
        drawing.files(["png"])
        box = drawing.figure.legends[0].get_window_extent()
        axes = drawing.figure.axes[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= drawing.figure.bbox.x1
    assert box.y1 <= axes.y0
    assert axes.height > 40


def test_the_registry_names_functions_that_are_there() -> None:
    for name in FIGURES:
        with pytest.raises(NothingToDraw):
            draw(name, Material([]))
    with pytest.raises(UserError, match=r"Unknown figure 'plan'\. Did you mean 'plane'"):
        draw("plan", Material([]))
