"""From a suite to its cells: what each does, what decides its result, and whose results it needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import sha256_file
from sdm_bench.base.names import refuse_unspellable
from sdm_bench.models import methods
from sdm_bench.models.preset import PERCEPTUAL_DEFAULT, Preset
from sdm_bench.suites.cells import SAMPLES, Cell
from sdm_bench.suites.code import code_of
from sdm_bench.suites.factors import Combination, combinations
from sdm_bench.suites.inputs import files_digest, short
from sdm_bench.suites.lines import Lined
from sdm_bench.suites.measuring import Measured, measured
from sdm_bench.suites.schema import OF_DIFFUSION, Data, Entry, Sampling, SegmenterTraining, Stage, Suite
from sdm_bench.suites.sources import RELEASED, Checkpoint, Place, checkpoint, place
from sdm_bench.suites.suite import read_suite, seeds_of
from sdm_bench.weights.store import provenance

PRESET, PUBLISHED = "toy", "paper"
# Options of a training that don't move its result.
OF_THE_WAY = {"workers", "log_every", "save_every", "grid_every", "gradient_checkpointing"}


@dataclass
class Plan:
    """The cells of a suite by name, each after those whose results it needs. place: of the suite in words."""

    suite: Suite
    source: str
    cells: dict[str, Cell] = field(default_factory=dict)

    @property
    def by_id(self) -> dict[str, Cell]:
        """The cells by `name/key`."""
        return {cell.id: cell for cell in self.cells.values()}


def make_plan(path: Path, roots: Mapping[str, Path] | None = None) -> Plan:
    """The plan of the suite in a YAML file; raises UserError for what is wrong with the suite.

    roots: where datasets of the suite are, in place of what the suite says.
    """
    suite, lined = read_suite(path)
    planner = _Planner(suite, lined, dict(roots or {}))
    return Plan(suite, str(path), planner.cells)


class _Planner:
    def __init__(self, suite: Suite, lined: Lined, roots: dict[str, Path]):
        self.suite, self.lined = suite, lined
        self.cells: dict[str, Cell] = {}
        unknown = roots.keys() - suite.datasets.keys()
        if unknown:
            known = ", ".join(suite.datasets)
            raise UserError(f"--data {', '.join(sorted(unknown))}: the suite's datasets are {known}")
        self.places = {label: self._place(label, data, roots.get(label)) for label, data in suite.datasets.items()}
        self.seeds = seeds_of(suite.sampling_seeds, lined.place(("sampling_seeds",)))
        for each in combinations(suite, lined):
            self._number(each)
        self._report()

    def add(self, cell: Cell) -> Cell:
        """The cell of that name, which is there once."""
        return self.cells.setdefault(cell.name, cell)

    # data

    def _place(self, label: str, data: Data, root: Path | None) -> Place:
        if root is not None and data.toy is not None:
            raise UserError(f"--data {label}: the suite renders toy scenes for it; expected no folder")
        given = root.absolute() if root is not None else Path(data.root).expanduser().absolute() if data.root else None
        if given is not None:
            refuse_unspellable(given, label)
        return place(label, data.dataset or label, given, data.toy)

    def _data(self, found: Place) -> Cell:
        return self.add(found.cell())

    # training

    def _trained(self, each: Combination, entry: Entry) -> Cell:
        """The last stage of a training."""
        before: Cell | None = None
        stages = list(entry.stages)
        for number, stage in enumerate(stages):
            last = number == len(stages) - 1
            # factors are of the last stage, so that all their values start from the same one before
            factors = each.train if last else ()
            chosen = self._chosen(each, stage, dict(factors))
            seed = f"seed-{each.seed}" + ("" if last else f".stage-{number + 1}")
            name = _named("train", each.dataset, each.method, _spelled(factors), seed)
            before = self._stage(each, entry, chosen, before, name)
        assert before is not None
        return before

    def _chosen(self, each: Combination, stage: Stage, changes: dict[str, Any]) -> Stage:
        try:
            found = Stage.model_validate({**stage.model_dump(), **changes})
        except ValidationError as error:
            where = self.lined.place(("methods", each.method, "factors"))
            raise UserError(f"{where}: {error.errors()[0]['loc'][0]}: {error.errors()[0]['msg']}") from error
        if found.mistake:
            raise UserError(f"{self.lined.place(('methods', each.method))}: {found.mistake}")
        return found

    def _stage(self, each: Combination, entry: Entry, stage: Stage, before: Cell | None, called: str) -> Cell:
        name = entry.method or each.method
        data = self._data(self.places[each.dataset])
        dataset = self.places[each.dataset].dataset
        preset = self._preset(each.method, name, entry.preset or PRESET, dataset)
        gan = preset.discriminator is not None
        if gan and (stage.condition_dropout or stage.timestep_sampler != "uniform"):
            raise UserError(
                f"{self.lined.place(('methods', each.method))}: {each.method} is a GAN; diffusion models take "
                "condition_dropout and timestep_sampler"
            )
        weighted = preset.discriminator is not None and preset.discriminator.lambda_vgg > 0
        if stage.perceptual and not weighted:
            raise UserError(
                f"{self.lined.place(('methods', each.method))}: {each.method} is trained without a perceptual loss; "
                "leave perceptual out"
            )
        known = self.places[each.dataset].split("train")
        decided = {
            "options": {"seed": each.seed, "method": name, **stage.model_dump(exclude=OF_THE_WAY)},
            "preset": preset.model_dump(mode="json", exclude={"sampling"}),
            "training data": known.digest,
            **({"first stage": before.key} if before else {}),
            **({"perceptual weights": _perceptual(stage.perceptual)} if weighted else {}),
            **code_of("train", name),
        }
        options = {
            "label": each.method,
            "method": name,
            "preset": entry.preset or PRESET,
            "dataset": dataset,
            "seed": each.seed,
            **stage.model_dump(),
        }
        size, unit = stage.length(stage.batch_size or preset.training.batch_size)
        return self.add(
            Cell(
                "train",
                called,
                options,
                decided,
                {"data": data.id, **({"init": before.id} if before else {})},
                size=size,
                rate=f"train {unit} {name} {entry.preset or PRESET} {dataset}",
                processes=entry.processes,
                lacks=known.lacks,
            )
        )

    def _preset(self, label: str, name: str, preset: str, dataset: str) -> Preset:
        try:
            return _read_preset(name, preset, dataset)
        except UserError as error:
            raise UserError(f"{self.lined.place(('methods', label))}: methods.{label}: {error.message}") from error

    # samples

    def _samples(self, each: Combination) -> tuple[list[Cell], str]:
        """The cells that make a combination's samples, and the key of the sample set."""
        entry = self.suite.methods[each.method]
        name, found = entry.method or each.method, self.places[each.dataset]
        sampling = self._sampling(each, entry, name)
        known = found.split(self.suite.datasets[each.dataset].split)
        data = self._data(found)
        made: Cell | Checkpoint
        lacks: tuple[str, ...] = ()
        if entry.checkpoint is None:
            made = self._trained(each, entry)
            weights, inputs = made.key, {"data": data.id, "weights": made.id}
        else:
            made = checkpoint(name, found.dataset, entry.checkpoint)
            weights, inputs, lacks = made.digest, {"data": data.id}, made.lacks
        variant = ", ".join(f"{option} {value}" for option, value in each.train)
        about = {**sampling.model_dump(), "variant": variant, "raw": entry.raw, "process": entry.process}
        split = self.suite.datasets[each.dataset].split
        guide = None if sampling.segmenter is None else Path(sampling.segmenter).expanduser().absolute()
        if guide is not None:
            about["segmenter"] = str(guide)
            lacks = (*lacks, *([] if guide.exists() else [f"no such segmenter: {guide}"]))
        decided = {
            "options": about if guide is None else about | {"segmenter": guide.exists() and files_digest(guide).digest},
            "weights": weights,
            "label maps and photographs": known.digest,
            **({"preset": entry.preset} if entry.checkpoint and entry.preset else {}),
            **code_of("generate", name),
        }
        key = short(decided)
        seed = "" if each.seed is None else f"seed-{each.seed}"
        base = _named(each.dataset, each.method, _spelled(each.train), _spelled(each.generate), seed)
        options = {
            **about,
            "dataset": found.dataset,
            "split": split,
            "method": name,
            "checkpoint": None if isinstance(made, Cell) else made.source,
            "preset": entry.preset if entry.checkpoint else None,
            "seeds": [*self.seeds],
        }
        cells = []
        for shard in range(self.suite.shards):
            divided = self.suite.shards > 1
            cells.append(
                self.add(
                    Cell(
                        "generate",
                        f"generate.{base}" + (f".shard-{shard}-of-{self.suite.shards}" if divided else ""),
                        {**options, "shard": [shard, self.suite.shards]},
                        {**decided, "seeds": [*self.seeds], "shard": [shard, self.suite.shards]},
                        inputs,
                        work=f"{SAMPLES}/{base}/{key}",
                        size=known.count * self._evaluations(entry, name, found.dataset, sampling) / self.suite.shards,
                        rate=f"generate {name} {self._sampled_as(entry)} {found.dataset}",
                        processes=entry.processes,
                        lacks=(*known.lacks, *lacks),
                    )
                )
            )
        return cells, key

    def _sampling(self, each: Combination, entry: Entry, name: str) -> Sampling:
        fields = {**entry.generate.model_dump(), **dict(each.generate)}
        try:
            sampling = Sampling.model_validate(fields)
        except ValidationError as error:
            wrong = error.errors()[0]
            where = self.lined.place(("methods", each.method, "factors", str(wrong["loc"][0])))
            raise UserError(f"{where}: {wrong['loc'][0]}: {wrong['msg']}") from error
        idle = [option for option, value in sampling if value is not None and option in OF_DIFFUSION]
        if idle and methods.method(name).kind == "gan":
            where = self.lined.place(("methods", each.method, "generate"))
            raise UserError(f"{where}: {each.method} is a GAN; diffusion models take {', '.join(idle)}")
        if sampling.segmenter is not None and sampling.guidance_by != "segmenter":
            return sampling.model_copy(update={"segmenter": None})
        return sampling

    def _evaluations(self, entry: Entry, name: str, dataset: str, sampling: Sampling) -> float:
        """Network evaluations a label map over all seeds, a guided one counting twice."""
        if methods.method(name).kind == "gan":
            return float(len(self.seeds))
        preset = self._preset(name, name, self._sampled_as(entry), dataset).sampling
        steps = sampling.solver_steps or preset.solver_steps or 1
        guidance = sampling.guidance or preset.guidance or 1.0
        return float(len(self.seeds) * steps * (2 if guidance > 1 or sampling.segmenter else 1))

    def _sampled_as(self, entry: Entry) -> str:
        """The preset of an entry's network; that of released weights is found when they are read."""
        return entry.preset or (PUBLISHED if entry.checkpoint == RELEASED else PRESET)

    # numbers

    def _number(self, each: Combination) -> None:
        cells, key = self._samples(each)
        if each.protocol is None or each.metric is None:
            return
        data = self.suite.datasets[each.dataset]
        found = self.places[each.dataset]
        known = found.split(data.split)
        segmenter = self._segmenter(each.dataset, data) if each.metric == "miou" else None
        about: Measured = measured(each.protocol, each.metric, found.dataset, segmenter)
        decided = {
            "samples": key,
            "seeds": [*self.seeds],
            "label maps and photographs": known.digest,
            **about.decided_by,
            **code_of("evaluate", each.metric),
        }
        base = cells[0].name.removeprefix("generate.").partition(".shard-")[0]
        inputs = {f"samples {number}": cell.id for number, cell in enumerate(cells)}
        inputs["data"] = found.cell().id
        if isinstance(segmenter, Cell):
            inputs["segmenter"] = segmenter.id
        self.add(
            Cell(
                "evaluate",
                f"evaluate.{base}.{each.protocol}.{each.metric}",
                {
                    "dataset": found.dataset,
                    "metric": each.metric,
                    "protocol": each.protocol,
                    "samples": cells[0].work_folder,
                    "seeds": [*self.seeds],
                    "segmenter": segmenter if isinstance(segmenter, str) else None,
                },
                decided,
                inputs,
                size=float(known.count * len(self.seeds)),
                rate=f"evaluate {each.metric} {each.protocol} {found.dataset}",
                lacks=(*known.lacks, *about.lacks),
            )
        )

    def _segmenter(self, label: str, data: Data) -> Cell | str | None:
        chosen = data.segmenter
        if not isinstance(chosen, SegmenterTraining):
            return chosen
        own = self.places[label]
        if chosen.toy is not None:
            own = place(f"{label}.segmenter", own.dataset, None, chosen.toy)
        known = own.split("train")
        fields = chosen.model_dump(exclude={"toy"})
        decided = {
            "options": {name: value for name, value in fields.items() if name not in OF_THE_WAY},
            "preset": _preset_file(chosen.method),
            "training data": known.digest,
            **code_of("segmenter", chosen.method),
        }
        size, unit = chosen.length(1)
        return self.add(
            Cell(
                "segmenter",
                f"segmenter.{label}.{chosen.method}",
                {**fields, "dataset": own.dataset},
                decided,
                {"data": self._data(own).id},
                size=size,
                rate=f"segmenter {unit} {chosen.method} {chosen.preset} {own.dataset}",
                lacks=known.lacks,
            )
        )

    def _report(self) -> None:
        numbers = [cell for cell in self.cells.values() if cell.kind == "evaluate"]
        if not numbers:
            return
        options = {
            **self.suite.report.model_dump(mode="json"),
            "mean_over_training_seeds": self._training_seeds() > 1,
            "samples": self._shown(),
        }
        decided = {"options": options, "numbers": {cell.name: cell.key for cell in numbers}, **code_of("report")}
        inputs = {cell.name: cell.id for cell in numbers}
        size = float(len(numbers))
        self.add(Cell("report", "report", options, decided, inputs, work="report", size=size, rate="report"))

    def _training_seeds(self) -> int:
        """The largest number of seeds that one training of the suite has."""
        seeds: dict[str, set[int]] = {}
        for cell in self.cells.values():
            if cell.kind == "train":
                seeds.setdefault(cell.name.partition(".seed-")[0], set()).add(cell.options["seed"])
        return max((len(each) for each in seeds.values()), default=0)

    def _shown(self) -> list[str]:
        """The sample folders that the picture grid shows."""
        return list(dict.fromkeys(cell.work_folder for cell in self.cells.values() if cell.kind == "generate"))


@cache
def _read_preset(name: str, preset: str, dataset: str) -> Preset:
    return methods.preset(name, preset, dataset)


def _preset_file(segmenter: str) -> str:
    """The digest of what says how a segmenter is trained."""
    file = Path(str(resources.files("segmenters").joinpath("presets", f"{segmenter}.yaml")))
    if not file.is_file():
        trained = ", ".join(sorted(each.stem for each in file.parent.glob("*.yaml")))
        raise UserError(f"segmenter '{segmenter}': no preset says how it is trained; expected one of {trained}")
    return sha256_file(file)


def _perceptual(asked: str | None) -> str:
    found = None if asked == "none" else provenance(asked or PERCEPTUAL_DEFAULT)
    return "absent" if found is None else found.sha256


def _spelled(chosen: tuple[tuple[str, Any], ...]) -> str:
    return ".".join(f"{option}-{value}".replace("/", "_").replace(" ", "_") for option, value in chosen)


def _named(*parts: str) -> str:
    return ".".join(part for part in parts if part)
