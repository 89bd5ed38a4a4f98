"""Factors multiply, `exclude` and `only` trim: the combinations of a suite, each a set of coordinates."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.models import methods
from sdm_bench.suites.lines import Lined
from sdm_bench.suites.schema import GENERATE_FACTORS, OF_DIFFUSION, TRAIN_FACTORS, Data, Entry, Suite

TRAIN, GENERATE = "train", "generate"


@dataclass(frozen=True)
class Combination:
    """One number's place in a suite: labels of dataset and method, chosen factors, training seed, protocol, metric.

    seed is None of a checkpoint; protocol and metric are None where a suite measures nothing.
    """

    dataset: str
    method: str
    train: tuple[tuple[str, Any], ...]
    generate: tuple[tuple[str, Any], ...]
    seed: int | None
    protocol: str | None
    metric: str | None

    @property
    def coordinates(self) -> dict[str, Any]:
        """What conditions can be put on."""
        about = {"training_seed": self.seed, "protocol": self.protocol, "metric": self.metric}
        return {"dataset": self.dataset, "method": self.method, **about, **dict(self.train), **dict(self.generate)}


def combinations(suite: Suite, lined: Lined) -> list[Combination]:
    """All that a suite asks for, first training seeds first; raises UserError for conditions that nothing meets."""
    every = [
        each
        for label, data in suite.datasets.items()
        for name, entry in suite.methods.items()
        if entry.datasets is None or label in entry.datasets
        for each in _of(suite, lined, (label, data), (name, entry))
    ]
    known = {name for each in every for name in each.coordinates}
    for section in ("exclude", "only"):
        for number, condition in enumerate(getattr(suite, section)):
            where = f"{lined.place((section, number))}: {section}"
            for name in condition.keys() - known:
                raise UserError(f"{where}: '{name}' is nothing that tells cells apart: {', '.join(sorted(known))}")
            if not any(_meets(each, condition) for each in every):
                raise UserError(f"{where}: nothing in the suite is {condition}")
    kept = [
        each
        for each in every
        if not any(_meets(each, condition) for condition in suite.exclude)
        and (not suite.only or any(_meets(each, condition) for condition in suite.only))
    ]
    if not kept:
        raise UserError(f"{lined.place(())}: exclude and only leave nothing of the suite")
    seeds = [*dict.fromkeys(each.seed for each in kept if each.seed is not None)]
    return sorted(kept, key=lambda each: 0 if each.seed is None else seeds.index(each.seed))


def _of(suite: Suite, lined: Lined, data: tuple[str, Data], method: tuple[str, Entry]) -> Iterator[Combination]:
    (label, about), (name, entry) = data, method
    factors = _factors(suite, lined, name, entry)
    seeds: tuple[int | None, ...] = (None,) if entry.checkpoint else _training_seeds(suite, lined, name, entry)
    protocols = [each for each in suite.protocols if about.protocols is None or each in about.protocols]
    metrics = [each for each in suite.metrics if about.metrics is None or each in about.metrics]
    measured: list[tuple[Any, Any]] = [*product(protocols, metrics)] or [(None, None)]
    for seed in seeds:
        for values in product(*factors.values()):
            chosen = dict(zip(factors, values, strict=True))
            sides = {
                side: tuple((option, chosen[of, option]) for of, option in chosen if of == side)
                for side in (TRAIN, GENERATE)
            }
            for protocol, metric in measured:
                yield Combination(label, name, sides[TRAIN], sides[GENERATE], seed, protocol, metric)


def _factors(suite: Suite, lined: Lined, name: str, entry: Entry) -> dict[tuple[str, str], tuple[Any, ...]]:
    """The values of each factor of a method, by where it belongs and the option's name."""
    gan = methods.method(entry.method or name).kind == "gan"
    found = {}
    for option, values in suite.factors.items():
        side = _side(option, lined.place(("factors", option)))
        if not (gan and option in OF_DIFFUSION) and not (side == TRAIN and entry.checkpoint):
            found[side, option] = values
    for option, values in entry.factors.items():
        where = lined.place(("methods", name, "factors", option))
        side = _side(option, where)
        if gan and option in OF_DIFFUSION:
            raise UserError(f"{where}: {option}: {name} is a GAN; diffusion models take it")
        if side == TRAIN and entry.checkpoint:
            raise UserError(f"{where}: {option}: {name} is not trained but taken from {entry.checkpoint}")
        found[side, option] = values
    return found


def _side(option: str, where: str) -> str:
    if option in TRAIN_FACTORS and option in GENERATE_FACTORS:
        raise UserError(f"{where}: {option} is an option of train and of generate; make two methods of the suite")
    return TRAIN if option in TRAIN_FACTORS else GENERATE


def _training_seeds(suite: Suite, lined: Lined, name: str, entry: Entry) -> tuple[int, ...]:
    own = entry.training_seeds is not None
    asked = entry.training_seeds if entry.training_seeds is not None else suite.training_seeds
    seeds = tuple(range(asked)) if isinstance(asked, int) else asked
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        where = lined.place(("methods", name, "training_seeds") if own else ("training_seeds",))
        raise UserError(f"{where}: training_seeds {asked}; expected how many, or numbers from 0 on, each once")
    return seeds


def _meets(each: Combination, condition: dict[str, Any]) -> bool:
    found = each.coordinates
    return all(
        name in found and found[name] in (wanted if isinstance(wanted, list) else [wanted])
        for name, wanted in condition.items()
    )
