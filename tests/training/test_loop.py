"""Training runs end to end on tiny networks: resume to the bit, refusals, stopping."""

import json
import os
import re
import signal
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch

from sdm_bench.base import progress
from sdm_bench.base.errors import UserError
from sdm_bench.base.tensors import Tensors
from sdm_bench.checkpoints.runs import TrainingRun
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.training.batches import Batch, TrainingStream
from sdm_bench.training.loop import Interrupted, LoopOptions
from sdm_bench.training.objective import Objective
from sdm_bench.training.recipes import make_objective, run_training
from tests.conftest import tiny_options

LOOP = LoopOptions(steps=4, log_every=1, save_every=2, grid_every=100, device="cpu")


def weights(folder: Path, name: str = "network") -> Tensors:
    from safetensors.torch import load_file

    latest = TrainingRun(folder).latest()
    assert latest is not None
    return load_file(latest / f"{name}.safetensors")


def equal(a: Tensors, b: Tensors) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize("method", ["sdm", "spade"])
def test_a_resumed_run_equals_an_undisturbed_one_to_the_bit(method: str, toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options(method, toy_cityscapes, schedule_steps=LOOP.steps)
    run_training(options, LOOP, tmp_path / "whole")
    run_training(options, replace(LOOP, steps=2), tmp_path / "resumed")
    assert TrainingRun(tmp_path / "resumed").state()["step"] == 2
    run_training(options, LOOP, tmp_path / "resumed")
    names = ["network", "network-average"] if method == "sdm" else ["network", "discriminator"]
    for name in names:
        assert equal(weights(tmp_path / "whole", name), weights(tmp_path / "resumed", name))
    assert not equal(weights(tmp_path / "whole"), make_objective(options).modules["network"].state_dict())


@pytest.mark.parametrize(("method", "named"), [("sdm", "loss"), ("spade", "generator")])
def test_a_training_tells_its_loss_and_when_its_budget_ends(
    method: str,
    named: str,
    toy_cityscapes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    loop = replace(LOOP, steps=2, budget_minutes=1000.0, core_budget_minutes=2000.0, log_every=2)
    run_training(tiny_options(method, toy_cityscapes), loop, tmp_path)
    first, *_, last = [line for line in capsys.readouterr().err.splitlines() if line.startswith("training: ")]
    assert re.search(rf"1/2 steps, (.*, )?{named} -?\d.* left$", first)
    kept = json.loads((tmp_path / "stats.jsonl").read_text())
    assert f"{named} {kept[named]:.4g}" in last


def test_importance_sampled_timesteps_resume_to_the_bit_too(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options("sdm", toy_cityscapes, timestep_sampler="loss-second-moment")
    two_steps = options.diffusion.model_copy(update={"steps": 2})  # type: ignore[union-attr]
    constant = options.training.model_copy(update={"decay_from": None})
    options = options.model_copy(update={"diffusion": two_steps, "training": constant})
    loop = replace(LOOP, steps=12, save_every=8)
    run_training(options, loop, tmp_path / "whole")
    run_training(options, replace(loop, steps=8), tmp_path / "resumed")
    run_training(options, loop, tmp_path / "resumed")
    for name in ("network", "timesteps"):
        assert equal(weights(tmp_path / "whole", name), weights(tmp_path / "resumed", name))
    assert weights(tmp_path / "whole", "timesteps")["counts"].tolist() == [10, 10]


def test_gradient_checkpointing_changes_nothing(toy_cityscapes: Path, tmp_path: Path) -> None:
    for method in ("sdm", "sdm-concat"):
        options = tiny_options(method, toy_cityscapes)
        run_training(options, replace(LOOP, steps=2), tmp_path / method / "plain")
        run_training(options, replace(LOOP, steps=2, gradient_checkpointing=True), tmp_path / method / "less")
        assert equal(weights(tmp_path / method / "plain"), weights(tmp_path / method / "less"))
    loop = replace(LOOP, gradient_checkpointing=True)
    with pytest.raises(UserError, match="--gradient-checkpointing: expected a diffusion model, not spade"):
        run_training(tiny_options("spade", toy_cityscapes), loop, tmp_path / "spade")


def test_what_a_kill_undid_leaves_the_statistics(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options("sdm", toy_cityscapes, schedule_steps=LOOP.steps)
    run_training(options, replace(LOOP, steps=2), tmp_path)
    stats = tmp_path / "stats.jsonl"
    stats.write_text(stats.read_text() + '{"step": 3, "loss": 0}\n{"step": 4, "lo')
    run_training(options, LOOP, tmp_path)
    lines = [json.loads(line) for line in stats.read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert all(line["loss"] > 0 and line["mse"] > 0 for line in lines)


def test_other_options_are_refused_by_name(toy_cityscapes: Path, tmp_path: Path) -> None:
    run_training(tiny_options("sdm", toy_cityscapes), replace(LOOP, steps=1), tmp_path)
    other = tiny_options("sdm", toy_cityscapes, seed=3, condition_dropout=0.2)
    with pytest.raises(UserError) as caught:
        run_training(other, LOOP, tmp_path)
    assert "condition_dropout: 0.0 there, 0.2 asked for" in caught.value.message
    assert "seed: 0 there, 3 asked for" in caught.value.message
    assert "network" not in caught.value.message


def test_another_default_solver_is_no_other_training(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options("sdm", toy_cityscapes, schedule_steps=LOOP.steps)
    run_training(options, replace(LOOP, steps=1), tmp_path)
    sampling = options.sampling.model_copy(update={"solver_steps": 7})
    run_training(options.model_copy(update={"sampling": sampling}), replace(LOOP, steps=2), tmp_path)
    assert TrainingRun(tmp_path).state()["step"] == 2
    assert TrainingRun(tmp_path).options().sampling.solver_steps == 7


def test_an_averaged_generator_is_saved_with_statistics_of_its_own(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options("spade", toy_cityscapes)
    training = options.training.model_copy(update={"ema_decay": 0.5, "batch_norm_batches": 2})
    options = options.model_copy(update={"training": training})
    run_training(options, LOOP, tmp_path)
    saved = {key.removeprefix("module."): v for key, v in weights(tmp_path, "network-average").items()}
    objective = make_objective(options)
    network = objective.modules["network"]
    network.load_state_dict({key: value for key, value in saved.items() if key != "n_averaged"})
    means = []
    network.get_submodule("up_0.norm_0.param_free_norm").register_forward_pre_hook(
        lambda module, inputs: means.append(inputs[0].mean((0, 2, 3)))
    )
    stream = TrainingStream.of(open_dataset("cityscapes", toy_cityscapes, "train"), options)
    with torch.no_grad():
        for batch in islice(stream.batches(4, start=2), 2):
            network(batch.condition)
    expected = torch.stack(means).mean(0)
    key = "up_0.norm_0.param_free_norm.running_mean"
    # spectral norms go on iterating in every pass, so the two agree but roughly
    assert torch.allclose(saved[key], expected, atol=0.02)
    assert not torch.allclose(weights(tmp_path)[key], expected, atol=0.1)


def test_a_finished_run_is_left_as_it_is(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options("sdm", toy_cityscapes)
    assert run_training(options, replace(LOOP, steps=1), tmp_path) == 1
    before = (tmp_path / "stats.jsonl").read_text()
    assert run_training(options, replace(LOOP, steps=1), tmp_path) == 1
    assert (tmp_path / "stats.jsonl").read_text() == before


def test_a_budget_ends_the_run_and_counts_earlier_runs(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options("sdm", toy_cityscapes)
    timed = replace(LOOP, steps=None, budget_minutes=0.5 / 60)
    steps = run_training(options, timed, tmp_path)
    assert steps >= 1
    assert TrainingRun(tmp_path).state()["seconds"] >= 0.5
    assert run_training(options, timed, tmp_path) == steps


class Stopper(Objective):
    """Presses Ctrl-C during its second step."""

    def __init__(self, inner: Objective):
        self.__dict__ = inner.__dict__
        self.inner, self.calls = inner, 0

    def update(self, batches: list[Batch]) -> dict[str, float]:  # type: ignore[override]
        self.calls += 1
        if self.calls == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return type(self.inner).update(self.inner, batches)


def test_ctrl_c_finishes_the_step_saves_and_resumes(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options("sdm", toy_cityscapes)
    with pytest.raises(Interrupted, match="stopped at step 2; the same command resumes"):
        run_training(options, LOOP, tmp_path / "run", Stopper(make_objective(options)))
    run_training(options, LOOP, tmp_path / "run")
    run_training(options, LOOP, tmp_path / "whole")
    assert equal(weights(tmp_path / "run"), weights(tmp_path / "whole"))


def test_pictures_are_drawn_on_the_way_and_disturb_nothing(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options("spade", toy_cityscapes)
    run_training(options, replace(LOOP, grid_every=2), tmp_path / "drawn")
    run_training(options, LOOP, tmp_path / "plain")
    assert sorted(p.name for p in (tmp_path / "drawn" / "grids").iterdir()) == [
        "step-00000002.png",
        "step-00000004.png",
    ]
    assert equal(weights(tmp_path / "drawn"), weights(tmp_path / "plain"))


def test_accumulated_halves_are_the_whole_batch(toy_cityscapes: Path, tmp_path: Path) -> None:
    whole = tiny_options("sdm", toy_cityscapes)
    half = whole.model_copy(update={"accumulate": 2, "training": whole.training.model_copy(update={"batch_size": 2})})
    for name, options in (("whole", whole), ("half", half)):
        run_training(options, replace(LOOP, steps=1), tmp_path / name)
    a, b = weights(tmp_path / "whole"), weights(tmp_path / "half")
    # Adam's first step has the size of the rate whatever the gradient, so a tiny gradient's sign may differ.
    differing = [key for key in a if not torch.allclose(a[key], b[key], atol=1e-6)]
    assert len(differing) < 0.1 * len(a)
