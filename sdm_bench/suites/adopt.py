"""A training that was made by hand becomes the result of a cell, where it is what the cell would make."""

import shutil
from pathlib import Path
from time import time
from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_json, sha256_file, write_json
from sdm_bench.checkpoints.runs import OPTIONS_FILE, TrainingRun, TrainOptions
from sdm_bench.models import methods
from sdm_bench.models.preset import Preset
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.inputs import split_digest
from sdm_bench.suites.plan import Plan
from sdm_bench.suites.results import Result, read_result
from sdm_bench.training.recipes import changed

# Of a budget, what a training may have stopped short of.
NEARLY = 0.99


def adopt(plan: Plan, out: Path, folder: Path) -> Cell:
    """Copies the run in `folder` to the one training of the plan that it is; returns that cell.

    Options, steps and the content of the training data are compared; which code made the run, nobody can see, and its
    result says that it was adopted. Raises UserError that says for each training in what the run differs.
    """
    run = TrainingRun(folder)
    options, state = run.options(), run.state()
    cells = [each for each in plan.cells.values() if each.kind == "train" and each.options["method"] == options.method]
    if not cells:
        raise UserError(f"{folder}: a training of {options.method}, which the suite has none of")
    differing = {cell.name: _differences(cell, plan, out, options, state) for cell in cells}
    fitting = [cell for cell in cells if not differing[cell.name]]
    if not fitting:
        lines = [f"  {name}: {'; '.join(found)}" for name, found in differing.items()]
        raise UserError("\n".join([f"{folder}: none of the suite's trainings:", *lines]))
    free = [cell for cell in fitting if read_result(out, cell.id) is None]
    if not free:
        raise UserError(f"{folder}: {fitting[0].name} has a result already")
    _take(free[0], _places(free[0], plan), out, folder, state)
    return free[0]


def _differences(cell: Cell, plan: Plan, out: Path, options: TrainOptions, state: dict[str, Any]) -> list[str]:
    """In what a run differs from what a cell would make, in words."""
    asked = cell.options
    preset = methods.preset(asked["method"], asked["preset"], asked["dataset"])
    preset = changed(preset, asked["method"], asked["network"] or None, asked["diffusion"] or None)
    wanted = {
        name: asked[name]
        for name in ("dataset", "preset", "seed", "precision", "accumulate", "condition_dropout", "timestep_sampler")
    }
    found = [
        f"{name} {getattr(options, name)!r} there, {value!r} asked for"
        for name, value in wanted.items()
        if getattr(options, name) != value
    ]
    found += _preset_differences(options, preset, asked)
    found += _length_differences(asked, state)
    return found or [*_inputs_differences(cell, plan, out, options)]


def _length_differences(asked: dict[str, Any], state: dict[str, Any]) -> list[str]:
    steps, counted = asked["steps"], {"budget": state["seconds"], "core_budget": state.get("core_seconds") or 0.0}
    budget = next((name for name in counted if asked[name] is not None), None)
    spent = budget is not None and counted[budget] >= NEARLY * 60 * asked[budget]
    if spent or state["step"] == steps:
        return []
    if steps is not None:
        return [f"step {state['step']} there, {steps} asked for"]
    assert budget is not None
    unit = "minutes" if budget == "budget" else "core-minutes"
    return [f"{counted[budget] / 60:.1f} {unit} there, {asked[budget]:g} asked for"]


def _preset_differences(options: TrainOptions, preset: Preset, asked: dict[str, Any]) -> list[str]:
    overrides = {name: asked[name] for name in ("batch_size", "learning_rate") if asked[name] is not None}
    wanted = {
        "training": preset.training.model_copy(update=overrides),
        "diffusion": preset.diffusion,
        "discriminator": preset.discriminator,
    }
    found = [f"another {name}" for name, value in wanted.items() if getattr(options, name) != value]
    network = {name: options.network.get(name) for name in preset.network}
    if network != Preset.model_validate(preset).model_dump(mode="json")["network"]:
        found.append("another network")
    if min(options.image_size) != (asked["image_size"] or preset.image_size):
        found.append(f"image_size {min(options.image_size)} there")
    return found


def _inputs_differences(cell: Cell, plan: Plan, out: Path, options: TrainOptions) -> list[str]:
    made = plan.by_id[cell.inputs["data"]]
    root = out / made.work_folder if "toy" in made.options else Path(made.options["root"])
    if not root.is_dir():
        return [f"{made.name} is not there yet to compare the training data with; run the suite's data first"]
    theirs = split_digest(options.dataset, Path(options.data), "train").digest
    if theirs != split_digest(options.dataset, root, "train").digest:
        return ["other training data"]
    if ("init" in cell.inputs) != (options.init is not None):
        return ["another first stage"]
    if "init" in cell.inputs:
        first = TrainingRun(out / plan.by_id[cell.inputs["init"]].work_folder)
        if not first.exists or sha256_file(first.weights_file(raw=True)) != options.init_sha256:
            return ["another first stage; adopt that first"]
    return []


def _take(cell: Cell, places: dict[str, str], out: Path, folder: Path, state: dict[str, Any]) -> None:
    target = out / cell.work_folder
    if target.exists():
        raise UserError(f"{target}: there is a training already; remove it to adopt another")
    cell.write(out)
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns(".*", "samples", "results.csv"))
    stored = read_json(target / OPTIONS_FILE)
    stored["options"] |= places
    write_json(target / OPTIONS_FILE, stored)
    made = {"steps": state["step"], "training_seconds": state["seconds"], "adopted": str(folder.absolute())}
    Result(cell.key, made, cell.decided_by, ended=time(), environment={"adopted": stored["version"]}).write(out, cell)


def _places(cell: Cell, plan: Plan) -> dict[str, str]:
    """Where a training of the suite finds its data and its first stage, seen from the suite's folder."""
    made = {role: plan.by_id[each] for role, each in cell.inputs.items()}
    return {role: each.options.get("root", each.work_folder) for role, each in made.items()}
