"""The folder of a training run: resolved options, append-only statistics, checkpoints, pictures on the way.

`train.json` holds what decides the result; the same command resumes, another one is refused. `stats.jsonl` has a line
every so many steps, `grids/` sample pictures, `tensorboard/` the same scalars as curves. `checkpoints/step-<n>/` is the
state at a step, whole or absent: one safetensors file a module and optimizer; everything else is in its state.json.
"""

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.optim import Optimizer

from sdm_bench import __version__
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_json, read_object, sha256_file, write_json
from sdm_bench.base.finite import NotFinite, named, not_finite
from sdm_bench.base.progress import say
from sdm_bench.base.sections import Section, Side, parsed, unless_default
from sdm_bench.base.tensors import Tensors, read_safetensors, write_safetensors
from sdm_bench.checkpoints.weights_file import WeightsAbout, storable
from sdm_bench.models.preset import (
    PERCEPTUAL_DEFAULT,
    DiffusionPreset,
    DiscriminatorPreset,
    SamplingPreset,
    TrainingPreset,
)

OPTIONS_FILE = "train.json"

# How pictures are sampled afterwards doesn't change the training.
# Neither does more time: a rate that decays has its schedule, which holds.
MAY_CHANGE = frozenset({"sampling", "budget_minutes", "core_budget_minutes"})


class TrainOptions(Section):
    """Everything that decides what a training run makes, resolved.

    image_size: (height, width). classes_sha256: of the class table of a dataset of one's own, which its name doesn't
    say; empty for others. perceptual: the weights file of the perceptual loss, None: without;
    perceptual_network: its name in the registry. init: what the weights started from; init_sha256: which file that
    was. schedule_steps, schedule_minutes, schedule_core_minutes: over what a rate that decays falls to zero, see
    training/schedule.py. budget_minutes, core_budget_minutes: of time or of CPU time, where no number of steps but
    that ends the training.
    """

    method: str
    dataset: str
    data: str
    preset: str
    image_size: tuple[Side, Side]
    classes_sha256: str = ""
    network: dict[str, Any]
    training: TrainingPreset
    sampling: SamplingPreset = SamplingPreset()
    diffusion: DiffusionPreset | None = None
    discriminator: DiscriminatorPreset | None = None
    condition_dropout: float = 0.0
    timestep_sampler: str = "uniform"
    perceptual: str | None = None
    perceptual_network: str = unless_default(PERCEPTUAL_DEFAULT)
    precision: str = "no"
    accumulate: int = 1
    seed: int = 0
    init: str | None = None
    init_sha256: str | None = None
    schedule_steps: int | None = None
    schedule_minutes: float | None = None
    schedule_core_minutes: float | None = None
    budget_minutes: float | None = None
    core_budget_minutes: float | None = None


@dataclass(frozen=True)
class TrainingRun:
    """A run's folder."""

    folder: Path

    @property
    def checkpoints(self) -> Path:
        """Where the step folders are."""
        return self.folder / "checkpoints"

    @property
    def exists(self) -> bool:
        """Whether a training was ever started here."""
        return (self.folder / OPTIONS_FILE).is_file()

    def options(self) -> TrainOptions:
        """The options that the run was started with."""
        if not self.exists:
            raise UserError(f"{self.folder}: not a training run; expected {OPTIONS_FILE} in it")
        return self._options(self._stored())

    def start(self, options: TrainOptions, command: str) -> None:
        """Writes the options of a new run, or checks them against those of the run to resume; notes the command."""
        self.refuse_other(options)
        about = {"version": __version__, "command": command, "options": options.model_dump(mode="json")}
        write_json(self.folder / OPTIONS_FILE, about)

    def refuse_other(self, options: TrainOptions) -> None:
        """Raises UserError where there is a run with other options, naming them."""
        differing = self.options().differences(options, MAY_CHANGE) if self.exists else ""
        if differing:
            raise UserError(f"{self.folder} holds a run with other options:\n{differing}\nChoose another --out.")

    def latest(self) -> Path | None:
        """The newest step folder that is whole; a line names those after it that are not."""
        for folder in reversed(step_folders(self.checkpoints)):
            problem = damage(folder)
            if problem is None:
                return folder
            _say_once(f"{folder}: broken ({problem}); taking the checkpoint before it")
        return None

    def resume(self) -> tuple[Path | None, dict[str, Any]]:
        """The step folder to go on from, and its state; removes what a kill left half written or broken after it."""
        for part in self.checkpoints.glob(".step-*.part"):
            shutil.rmtree(part, ignore_errors=True)
        latest = self.latest()
        for folder in step_folders(self.checkpoints):
            if latest is None or folder.name > latest.name:
                shutil.rmtree(folder)
        return latest, self.state()

    def state(self) -> dict[str, Any]:
        """The state stored with the newest step folder; step 0 of a run that has none."""
        latest = self.latest()
        if latest is None:
            return {"step": 0, "seconds": 0.0, "core_seconds": 0.0}
        return read_object(latest / "state.json", step=int, seconds=(int, float))

    def weights_file(self, raw: bool = False) -> Path:
        """The file of the newest weights: of the average where one is kept, unless `raw`."""
        latest = self.latest()
        if latest is None:
            raise UserError(f"{self.folder}: no checkpoint yet; train it for at least one step")
        averaged = latest / "network-average.safetensors"
        return averaged if averaged.is_file() and not raw else latest / "network.safetensors"

    def weights(self, raw: bool = False) -> tuple[Tensors, WeightsAbout]:
        """The tensors of `weights_file`, and what they are."""
        file = self.weights_file(raw)
        tensors = read_module(file.parent, file.stem)
        averaged = file.stem.endswith("-average")
        if averaged:
            tensors = {k.removeprefix("module."): v for k, v in tensors.items() if k != "n_averaged"}
        return tensors, self._about(averaged)

    def _stored(self) -> dict[str, Any]:
        return read_object(self.folder / OPTIONS_FILE, version=str, command=str, options=dict)

    def _options(self, stored: dict[str, Any]) -> TrainOptions:
        return parsed(TrainOptions, stored["options"], self.folder / OPTIONS_FILE)

    def _about(self, averaged: bool) -> WeightsAbout:
        stored, state = self._stored(), self.state()
        options = self._options(stored)
        described = options.model_dump(mode="json")
        return WeightsAbout(
            method=options.method,
            dataset=options.dataset,
            network=options.network,
            image_size=options.image_size,
            diffusion=described["diffusion"],
            sampling=described["sampling"],
            training=described,
            command=stored["command"],
            seed=options.seed,
            steps=state["step"],
            seconds=round(state["seconds"], 1),
            core_seconds=_rounded(state.get("core_seconds")),
            budget=_spent_budget(options, state),
            stages=self._stages(options),
            averaged=averaged,
            version=stored["version"],
        )

    def _stages(self, options: TrainOptions) -> list[dict[str, Any]]:
        if options.init is None or not TrainingRun(Path(options.init)).exists:
            return []
        before = TrainingRun(Path(options.init))._about(averaged=False)
        return [*before.stages, before.model_dump(include=OF_A_STAGE)]


OF_A_STAGE = {"command", "seed", "steps", "seconds", "core_seconds", "budget", "version"}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _spent_budget(options: TrainOptions, state: dict[str, Any]) -> str:
    """The budget that ended a training, in words; empty where a number of steps did, or nothing has yet."""
    minutes, core_minutes = options.budget_minutes, options.core_budget_minutes
    if minutes is not None and state["seconds"] >= 60 * minutes:
        return f"{minutes:g} minutes"
    if core_minutes is not None and state.get("core_seconds", 0.0) >= 60 * core_minutes:
        return f"{core_minutes:g} core-minutes"
    return ""


def save_step(
    folder: Path, step: int, modules: dict[str, Tensors], optimizers: dict[str, Optimizer], state: dict
) -> None:
    """Writes `<folder>/step-<step>` whole, then removes older steps but the one before.

    Raises NotFinite, and leaves what is there as it is, where a module holds NaN or Inf.
    """
    wrong = [f"{name} {key}" for name, tensors in modules.items() for key in not_finite(tensors)]
    if wrong:
        raise NotFinite(f"step {step}: NaN or Inf in {named(wrong)}; not saved, {last_good(folder)}")
    target = folder / f"step-{step:08d}"
    temporary = folder / f".{target.name}.part"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name, tensors in modules.items():
        write_safetensors(temporary / f"{name}.safetensors", {key: storable(value) for key, value in tensors.items()})
    groups = {}
    for name, optimizer in optimizers.items():
        packed = optimizer.state_dict()
        groups[name] = packed["param_groups"]
        moments = {f"{i}.{k}": v for i, values in packed["state"].items() for k, v in values.items()}
        held = {key: storable(value) for key, value in moments.items()}
        write_safetensors(temporary / f"optimizer-{name}.safetensors", held)
    digests = {file.name: sha256_file(file) for file in sorted(temporary.glob("*.safetensors"))}
    write_json(temporary / "state.json", {**state, "step": step, "optimizers": groups, "sha256": digests})
    shutil.rmtree(target, ignore_errors=True)
    temporary.rename(target)
    for old in step_folders(folder)[:-2]:
        shutil.rmtree(old)


def step_folders(folder: Path) -> list[Path]:
    """The complete checkpoints of a run, oldest first."""
    return sorted(path for path in folder.glob("step-*") if (path / "state.json").is_file())


def last_good(folder: Path) -> str:
    """Which checkpoint of those in `folder` is the newest, in words."""
    there = step_folders(folder)
    return f"the last good checkpoint is {there[-1]}" if there else "no checkpoint was saved before"


def damage(folder: Path) -> str | None:
    """What is wrong with a step folder whose files are cut short, changed or missing; None of a whole one.

    Steps saved by earlier versions of the program have no digests; of those a changed number goes unnoticed.
    """
    try:
        state = read_json(folder / "state.json")
        objects = isinstance(state, dict) and all(
            isinstance(state.get(key, {}), dict) for key in ("optimizers", "sha256")
        )
        if not objects or not {"step", "optimizers"} <= state.keys():
            return "state.json is not the state of a step"
        names = ["network", *(f"optimizer-{name}" for name in state["optimizers"])]
        absent = [name for name in names if not (folder / f"{name}.safetensors").is_file()]
        if absent:
            return f"{absent[0]}.safetensors is missing"
        digests = state.get("sha256", {})
        for file in sorted(folder.glob("*.safetensors")):
            try:
                with safe_open(file, framework="pt"):
                    pass
            except SafetensorError as error:
                return f"{file.name}: {error}"
            status = file.stat()
            expected = digests.get(file.name)
            if expected and _digest(file, status.st_size, status.st_mtime_ns) != expected:
                return f"{file.name}: not the bytes that were saved"
    except (UserError, OSError) as error:
        return str(getattr(error, "message", error))
    return None


@cache
def _digest(file: Path, size: int, changed: int) -> str:
    """The SHA-256 of a file, once for each size and time of change of it."""
    return sha256_file(file)


@cache
def _say_once(message: str) -> None:
    say(message)


def read_module(folder: Path, name: str) -> Tensors:
    """The tensors of one module in a step folder."""
    return read_safetensors(folder / f"{name}.safetensors")


def restore_optimizer(folder: Path, name: str, optimizer: Optimizer) -> None:
    """Loads the state of one optimizer from a step folder."""
    file = folder / f"optimizer-{name}.safetensors"
    state: dict[int, dict[str, Tensor]] = {}
    groups = read_object(folder / "state.json", optimizers=dict)["optimizers"].get(name)
    try:
        for key, value in read_safetensors(file).items():
            index, field = key.split(".", 1)
            state.setdefault(int(index), {})[field] = value
        optimizer.load_state_dict({"state": state, "param_groups": groups})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{file}: not the state of this optimizer with what state.json says of it: {error}") from error
