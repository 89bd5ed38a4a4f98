"""The cells that make samples, in shards."""

from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from sdm_bench.base.errors import UserError
from sdm_bench.models import methods
from sdm_bench.suites.cells import SAMPLES, Cell
from sdm_bench.suites.code import code_of
from sdm_bench.suites.factors import Combination
from sdm_bench.suites.inputs import files_digest, short
from sdm_bench.suites.planning import PRESET, PUBLISHED, Planning, named, spelled
from sdm_bench.suites.schema import OF_DIFFUSION, Entry, Sampling
from sdm_bench.suites.sources import RELEASED, checkpoint
from sdm_bench.suites.trainings import trained


@dataclass(frozen=True)
class Weights:
    """What samples are made with: `source` as `--checkpoint` takes it, or the cell that trains it; digest or key."""

    digest: str
    source: str | None = None
    made_by: Cell | None = None
    lacks: tuple[str, ...] = ()

    @property
    def files(self) -> dict[str, str]:
        """Where it lies outside of the suite's folder, with its digest."""
        there = self.source is not None and Path(self.source).is_absolute() and not self.lacks
        return {str(self.source): self.digest} if there else {}


def samples(planning: Planning, each: Combination) -> tuple[list[Cell], str]:
    """The cells that make a combination's samples, and the key of the sample set."""
    entry, place = planning.suite.methods[each.method], planning.places[each.dataset]
    name, split = entry.method or each.method, planning.suite.datasets[each.dataset].split
    sampling, known = _sampling(planning, each, entry, name), place.split(split)
    weights, guide = _weights(planning, each, entry), _guide(sampling)
    about = {
        **sampling.model_dump(),
        "variant": ", ".join(f"{option} {value}" for option, value in each.train),
        "raw": entry.raw,
        "process": entry.process,
        **({} if guide is None else {"segmenter": guide.source}),
    }
    decided = {
        "options": about if guide is None else {**about, "segmenter": guide.digest},
        "weights": weights.digest,
        "label maps and photographs": known.digest,
        **({"preset": entry.preset} if entry.checkpoint and entry.preset else {}),
        **code_of("generate", name),
    }
    options = {
        **about,
        "dataset": place.dataset,
        "split": split,
        "method": name,
        "checkpoint": weights.source,
        "preset": entry.preset if entry.checkpoint else None,
        "seeds": [*planning.seeds],
    }
    work = known.count * _evaluations(planning, entry, name, place.dataset, sampling)
    rate = f"generate {name} {_sampled_as(entry)} {place.dataset}"
    inputs = {"data": planning.data(place).id, **({"weights": weights.made_by.id} if weights.made_by else {})}
    whole = Cell(
        "generate",
        "",
        options,
        decided,
        inputs,
        files=weights.files | ({} if guide is None else guide.files),
        size=work,
        rate=rate,
        processes=entry.processes,
        lacks=(*known.lacks, *weights.lacks, *(() if guide is None else guide.lacks)),
    )
    return _shards(planning, _base(each), whole), short(decided)


def _shards(planning: Planning, base: str, whole: Cell) -> list[Cell]:
    """The cells that make a set together, each a share of it; whole: what is common to them."""
    count, key = planning.suite.shards, short(whole.decided_by)
    return [
        planning.add(
            replace(
                whole,
                name=f"generate.{base}" + (f".shard-{shard}-of-{count}" if count > 1 else ""),
                options={**whole.options, "shard": [shard, count]},
                decided_by={**whole.decided_by, "seeds": [*planning.seeds], "shard": [shard, count]},
                work=f"{SAMPLES}/{base}/{key}",
                size=whole.size / count,
            )
        )
        for shard in range(count)
    ]


def _base(each: Combination) -> str:
    seed = "" if each.seed is None else f"seed-{each.seed}"
    return named(each.dataset, each.method, spelled(each.train), spelled(each.generate), seed)


def _weights(planning: Planning, each: Combination, entry: Entry) -> Weights:
    if entry.checkpoint is None:
        made = trained(planning, each, entry)
        return Weights(made.key, made_by=made)
    found = checkpoint(entry.method or each.method, planning.places[each.dataset].dataset, entry.checkpoint)
    return Weights(found.digest, found.source, lacks=found.lacks)


def _sampling(planning: Planning, each: Combination, entry: Entry, name: str) -> Sampling:
    fields = {**entry.generate.model_dump(), **dict(each.generate)}
    try:
        sampling = Sampling.model_validate(fields)
    except ValidationError as error:
        wrong = error.errors()[0]
        where = planning.lined.place(("methods", each.method, "factors", str(wrong["loc"][0])))
        raise UserError(f"{where}: {wrong['loc'][0]}: {wrong['msg']}") from error
    idle = [option for option, value in sampling if value is not None and option in OF_DIFFUSION]
    if idle and methods.method(name).kind == "gan":
        where = planning.lined.place(("methods", each.method, "generate"))
        raise UserError(f"{where}: {each.method} is a GAN; diffusion models take {', '.join(idle)}")
    if sampling.segmenter is not None and sampling.guidance_by != "segmenter":
        return sampling.model_copy(update={"segmenter": None})
    return sampling


def _guide(sampling: Sampling) -> Weights | None:
    """The segmenter that guides, if one does."""
    if sampling.segmenter is None:
        return None
    path = Path(sampling.segmenter).expanduser().absolute()
    if not path.exists():
        return Weights("absent", str(path), lacks=(f"no such segmenter: {path}",))
    return Weights(files_digest(path).digest, str(path))


def _evaluations(planning: Planning, entry: Entry, name: str, dataset: str, sampling: Sampling) -> float:
    """Network evaluations a label map over all seeds, a guided one counting twice."""
    if methods.method(name).kind == "gan":
        return float(len(planning.seeds))
    preset = planning.preset(name, name, _sampled_as(entry), dataset).sampling
    steps = sampling.solver_steps or preset.solver_steps or 1
    guidance = sampling.guidance or preset.guidance or 1.0
    return float(len(planning.seeds) * steps * (2 if guidance > 1 or sampling.segmenter else 1))


def _sampled_as(entry: Entry) -> str:
    """The preset of an entry's network; that of released weights is found when they are read."""
    return entry.preset or (PUBLISHED if entry.checkpoint == RELEASED else PRESET)
