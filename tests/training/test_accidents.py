"""What happens to a training: divergence, broken checkpoints, kills between two writes, another schedule or command."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.base.finite import NotFinite
from sdm_bench.base.processes import alone_in
from sdm_bench.checkpoints.runs import TrainingRun, read_module, step_folders
from sdm_bench.conditioning import Condition
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.training.batches import Batch
from sdm_bench.training.loop import LoopOptions, Spent
from sdm_bench.training.objective import Objective
from sdm_bench.training.recipes import make_accelerator, make_objective, run_training
from sdm_bench.training.schedule import progress
from sdm_bench.training.segmenters import SegmentationObjective, resolve
from segmenters.architectures import build_segmenter
from tests.conftest import tiny_options

LOOP = LoopOptions(steps=4, log_every=1, save_every=2, grid_every=100, device="cpu")


def lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]


def steps(run: Path) -> list[str]:
    return [folder.name for folder in step_folders(run / "checkpoints")]


def equal(a: Path, b: Path, name: str = "network") -> bool:
    first, second = (read_module(TrainingRun(run).latest() or run, name) for run in (a, b))
    return all(torch.equal(first[key], second[key]) for key in first)


class Spoilt(Objective):
    """Does what another objective does, and something to it in its n-th step."""

    def __init__(self, inner: Objective, step: int, spoil: Any):
        self.__dict__ = inner.__dict__
        self.inner, self.at, self.spoil, self.calls = inner, step, spoil, 0

    def update(self, batches: Sequence[Batch]) -> dict[str, float]:
        self.calls += 1
        scalars = type(self.inner).update(self.inner, batches)  # type: ignore[arg-type]
        return self.spoil(self, scalars) if self.calls == self.at else scalars


def nan_loss(objective: Spoilt, scalars: dict[str, float]) -> dict[str, float]:
    return {**scalars, "loss": float("nan")}


def nan_weight(objective: Spoilt, scalars: dict[str, float]) -> dict[str, float]:
    next(objective.modules["network"].parameters()).data.view(-1)[0] = float("inf")
    return scalars


def test_a_loss_of_nan_stops_the_run_and_keeps_the_last_good_checkpoint(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options("sdm", toy_cityscapes)
    objective = Spoilt(make_objective(options), 3, nan_loss)
    with pytest.raises(NotFinite) as caught:
        run_training(options, LOOP, tmp_path, objective)
    ids = {record.id for record in open_dataset("cityscapes", toy_cityscapes, "train").records}
    assert caught.value.message.startswith("step 3: loss nan, with the examples ")
    assert sum(each in caught.value.message for each in ids) == 4
    assert f"the last good checkpoint is {tmp_path / 'checkpoints/step-00000002'}" in caught.value.message
    assert caught.value.exit_code == 1
    assert steps(tmp_path) == ["step-00000002"]
    assert [line["step"] for line in lines(tmp_path)] == [1, 2]


def test_a_rate_that_is_far_too_high_ends_with_an_error(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options("sdm", toy_cityscapes)
    training = options.training.model_copy(update={"learning_rate": 1e18})
    with pytest.raises(NotFinite, match=r"step \d: .*no checkpoint was saved before"):
        run_training(options.model_copy(update={"training": training}), replace(LOOP, save_every=9), tmp_path)
    assert steps(tmp_path) == []


def test_weights_of_inf_are_not_saved(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options("sdm", toy_cityscapes)
    with pytest.raises(NotFinite, match=r"step 4: NaN or Inf in network .*; not saved, the last good .*step-00000002"):
        run_training(options, LOOP, tmp_path, Spoilt(make_objective(options), 4, nan_weight))
    assert steps(tmp_path) == ["step-00000002"]
    assert not list((tmp_path / "checkpoints").glob(".*"))


def test_a_batch_of_ignored_pixels_alone_changes_nothing(toy_cityscapes: Path) -> None:
    options = resolve("unet", "cityscapes", toy_cityscapes, "toy", overrides={"ema_decay": 0.5})
    classes = open_dataset("cityscapes", toy_cityscapes, "train").classes
    torch.manual_seed(0)
    objective = SegmentationObjective(
        build_segmenter("unet", num_classes=19, feature_scale=16), classes, options.training
    )
    objective.prepare(make_accelerator("cpu", "no"))

    def batch(label: int) -> Batch:
        condition = Condition(torch.full((2, 32, 32), label), None, 35, torch.ones(2, dtype=torch.bool))
        return Batch(torch.rand(2, 3, 32, 32), condition, [0, 1])

    ignored, road = int(np.flatnonzero(classes.evaluate_as == 255)[0]), int(np.flatnonzero(classes.evaluate_as == 0)[0])
    assert objective.step([batch(road)], 0.0)["loss"] > 0
    parts = (objective.modules["network"], objective.averages["network"])
    before = [{key: value.clone() for key, value in part.state_dict().items()} for part in parts]
    assert objective.step([batch(ignored)], 0.0) == {}
    for part, kept in zip(parts, before, strict=True):
        assert all(torch.equal(value, kept[key]) for key, value in part.state_dict().items())
    both = objective.step([batch(ignored), batch(road)], 0.0)
    assert 0 < both["loss"] < float("inf")
    assert not torch.equal(next(parts[0].parameters()), next(iter(before[0].values())))


def test_a_longer_schedule_is_refused_and_a_shorter_run_is_on_the_recorded_one(
    toy_cityscapes: Path, tmp_path: Path
) -> None:
    options = tiny_options("sdm", toy_cityscapes)
    run_training(options, LOOP, tmp_path / "whole")
    assert TrainingRun(tmp_path / "whole").options().schedule_steps == 4
    with pytest.raises(UserError, match=r"--steps 8: .*falls to zero at step 4.*expected --steps 4 or less.*--init"):
        run_training(options, replace(LOOP, steps=8), tmp_path / "whole")
    stated = options.model_copy(update={"schedule_steps": 4})
    run_training(stated, replace(LOOP, steps=3), tmp_path / "parts")
    # the schedule stands in train.json now, and holds for whoever doesn't state it, by steps or by time
    run_training(options, replace(LOOP, steps=None, budget_minutes=60), tmp_path / "parts")
    assert TrainingRun(tmp_path / "parts").state()["step"] == 4
    assert equal(tmp_path / "whole", tmp_path / "parts")


def test_a_constant_rate_has_no_schedule(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options("spade", toy_cityscapes)
    constant = options.training.model_copy(update={"decay_from": None})
    options = options.model_copy(update={"training": constant})
    run_training(options, replace(LOOP, steps=1), tmp_path)
    assert TrainingRun(tmp_path).options().schedule_steps is None
    assert run_training(options, replace(LOOP, steps=2), tmp_path) == 2


def test_with_a_budget_alone_the_rate_falls_by_the_share_of_time(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options("sdm", toy_cityscapes)
    run_training(options, replace(LOOP, steps=None, budget_minutes=0.01), tmp_path)
    recorded = TrainingRun(tmp_path).options()
    assert (recorded.schedule_steps, recorded.schedule_minutes) == (None, 0.01)
    spent = [Spent(5, seconds, None) for seconds in (0.0, 0.3, 0.6, 9.0)]
    assert [progress(recorded, each) for each in spent] == [0.0, 0.5, 1.0, 1.0]
    with pytest.raises(UserError, match=r"--budget 1: .*falls to zero at minute 0\.01"):
        run_training(options, replace(LOOP, steps=None, budget_minutes=1), tmp_path)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-10])


def flip(file: Path) -> None:
    """One bit of the last number."""
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "name"),
    [(cut, "network.safetensors"), (cut, "optimizer-network.safetensors"), (cut, "state.json")]
    + [(flip, "network.safetensors"), (flip, "optimizer-network.safetensors")],
)
def test_a_damaged_checkpoint_falls_back_to_the_one_before(
    damage: Callable[[Path], None], name: str, toy_cityscapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = tiny_options("spade", toy_cityscapes)
    run_training(options, LOOP, tmp_path / "run")
    newest = tmp_path / "run/checkpoints/step-00000004"
    damage(newest / name)
    assert TrainingRun(tmp_path / "run").weights_file().parent.name == "step-00000002"
    assert f"{newest}: broken ({name}" in capsys.readouterr().err.replace(f"{newest}/", "")
    run_training(options, LOOP, tmp_path / "run")
    run_training(options, LOOP, tmp_path / "whole")
    assert steps(tmp_path / "run") == ["step-00000002", "step-00000004"]
    assert equal(tmp_path / "run", tmp_path / "whole")


def test_what_a_kill_left_is_removed_and_a_missing_grid_is_drawn(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options("spade", toy_cityscapes)
    loop = replace(LOOP, steps=2, grid_every=2)
    run_training(options, loop, tmp_path)
    grid, part = tmp_path / "grids/step-00000002.png", tmp_path / "checkpoints/.step-00000004.part"
    drawn = grid.read_bytes()
    grid.unlink()
    part.mkdir()
    part.joinpath("network.safetensors").write_bytes(b"half")
    assert run_training(options, loop, tmp_path) == 2
    assert grid.read_bytes() == drawn
    assert not part.exists()


def test_a_second_training_of_a_folder_is_refused(toy_cityscapes: Path, tmp_path: Path) -> None:
    with alone_in(tmp_path, "train", ""), pytest.raises(UserError, match="another command is at work here"):
        run_training(tiny_options("sdm", toy_cityscapes), LOOP, tmp_path)
    assert not (tmp_path / "train.json").exists()


def test_a_segmenter_that_no_preset_trains_is_refused(toy_cityscapes: Path) -> None:
    with pytest.raises(UserError, match=r"unet-lite: no preset says how it is trained; expected one of .*unet"):
        resolve("unet-lite", "cityscapes", toy_cityscapes, "toy")


def test_half_precision_on_a_cpu_is_refused() -> None:
    with pytest.raises(UserError, match="--precision fp16: training in it needs a GPU"):
        make_accelerator("cpu", "fp16")


def test_the_scale_of_half_precision_is_saved(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options("sdm", toy_cityscapes)

    def prepared(scale: float) -> Objective:
        objective, accelerator = make_objective(options), make_accelerator("cpu", "no")
        accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        objective.prepare(accelerator)
        return objective

    prepared(32.0).save(tmp_path, 1, {"seconds": 0.0})
    after = prepared(8.0)
    after.restore(tmp_path / "step-00000001")
    assert after.accelerator.scaler.get_scale() == 32.0


def test_damaged_statistics_are_said_and_the_others_stay(
    toy_cityscapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = tiny_options("spade", toy_cityscapes)
    run_training(options, replace(LOOP, steps=2, log_every=1), tmp_path)
    stats = tmp_path / "stats.jsonl"
    first, second = stats.read_text().splitlines()
    stats.write_text(f"{first}\n{{damaged}}\n{second}\n{second[:20]}")
    run_training(options, replace(LOOP, steps=2, log_every=1), tmp_path)
    assert stats.read_text() == f"{first}\n{second}\n"
    assert f"{stats}: not the statistics of a step, and removed: line 2\n" in capsys.readouterr().err
