"""The folder of a training run: resolved options, append-only statistics, checkpoints, pictures on the way.

`train.json` holds what decides the result; the same command resumes, another one is refused. `stats.jsonl` has a line
every so many steps, `checkpoints/` the state, `grids/` sample pictures, `tensorboard/` the same figures as curves.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdm_bench import __version__
from sdm_bench.errors import UserError
from sdm_bench.files import read_json, write_json, write_text
from sdm_bench.models.preset import (
    DiffusionPreset,
    DiscriminatorPreset,
    SamplingPreset,
    Section,
    TrainingPreset,
)
from sdm_bench.tensors import Tensors
from sdm_bench.training import checkpoints
from sdm_bench.training.checkpoints import WeightsAbout

OPTIONS_FILE = "train.json"
STATS_FILE = "stats.jsonl"
MAY_CHANGE = frozenset({"sampling"})
"""How pictures are sampled afterwards doesn't change the training."""


class TrainOptions(Section):
    """Everything that decides what a training run makes, resolved.

    image_size: (height, width). perceptual: the weights file of the perceptual loss, None: without. init: what the
    weights started from; init_sha256: which file that was.
    """

    method: str
    dataset: str
    data: str
    preset: str
    image_size: tuple[int, int]
    network: dict[str, Any]
    training: TrainingPreset
    sampling: SamplingPreset = SamplingPreset()
    diffusion: DiffusionPreset | None = None
    discriminator: DiscriminatorPreset | None = None
    condition_dropout: float = 0.0
    timestep_sampler: str = "uniform"
    perceptual: str | None = None
    precision: str = "no"
    accumulate: int = 1
    seed: int = 0
    init: str | None = None
    init_sha256: str | None = None


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
        return TrainOptions(**read_json(self.folder / OPTIONS_FILE)["options"])

    def start(self, options: TrainOptions, command: str) -> None:
        """Writes the options of a new run, or checks them against those of the run to resume; notes the command."""
        differing = self.options().differences(options, MAY_CHANGE) if self.exists else ""
        if differing:
            raise UserError(f"{self.folder} holds a run with other options:\n{differing}\nChoose another --out.")
        about = {"version": __version__, "command": command, "options": options.model_dump(mode="json")}
        write_json(self.folder / OPTIONS_FILE, about)

    def latest(self) -> Path | None:
        """The newest step folder."""
        folders = checkpoints.step_folders(self.checkpoints)
        return folders[-1] if folders else None

    def state(self) -> dict[str, Any]:
        """The state stored with the newest step folder; step 0 of a run that has none."""
        latest = self.latest()
        return read_json(latest / "state.json") if latest else {"step": 0, "seconds": 0.0}

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
        tensors = checkpoints.read_module(file.parent, file.stem)
        averaged = file.stem.endswith("-average")
        if averaged:
            tensors = {k.removeprefix("module."): v for k, v in tensors.items() if k != "n_averaged"}
        return tensors, self._about(averaged)

    def _about(self, averaged: bool) -> WeightsAbout:
        stored, state = read_json(self.folder / OPTIONS_FILE), self.state()
        options = TrainOptions(**stored["options"])
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
            stages=self._stages(options),
            averaged=averaged,
            version=stored["version"],
        )

    def _stages(self, options: TrainOptions) -> list[dict[str, Any]]:
        if options.init is None or not TrainingRun(Path(options.init)).exists:
            return []
        before = TrainingRun(Path(options.init))._about(averaged=False)
        return [*before.stages, before.model_dump(include={"command", "seed", "steps", "seconds", "version"})]

    def log(self, line: dict[str, Any]) -> None:
        """Appends a line of statistics."""
        with (self.folder / STATS_FILE).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")

    def forget_after(self, step: int) -> None:
        """Removes statistics of steps that a kill has undone."""
        path = self.folder / STATS_FILE
        if not path.is_file():
            return
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if _step_of(line) <= step]
        write_text(path, "".join(f"{line}\n" for line in lines))


def _step_of(line: str) -> float:
    try:
        return json.loads(line)["step"]
    except (json.JSONDecodeError, KeyError):
        return float("inf")
