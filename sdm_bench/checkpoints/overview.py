"""What the program can train or load."""

from typing import NamedTuple

from sdm_bench.checkpoints.matching import PresetMatch, paper_presets
from sdm_bench.datasets.folder import Folder
from sdm_bench.models import methods


class Described(NamedTuple):
    """A method with the sizes of its published configurations, by dataset, in millions of parameters."""

    method: methods.Method
    stochastic: str
    presets: dict[str, list[str]]
    millions: dict[str, float]


def describe_methods() -> list[Described]:
    """Every method, in the order of tables."""
    return [_described(name) for name in methods.METHODS]


def _described(name: str) -> Described:
    matches = list(paper_presets(name))
    presets = {dataset: methods.preset_names(name, dataset) for dataset in methods.datasets(name)}
    millions = {match.dataset: _millions(match) for match in matches}
    return Described(methods.method(name), _stochastic(name, presets), presets, millions)


def _stochastic(name: str, presets: dict[str, list[str]]) -> str:
    """yes, no, or which presets are, and for which datasets where not for all."""
    if methods.method(name).kind == "diffusion":
        return "yes"
    every = [(p, dataset) for dataset, names in presets.items() if dataset != Folder.name for p in names]
    are = [(p, dataset) for p, dataset in every if PresetMatch.of(name, p, dataset).config.stochastic]
    if len(are) in (0, len(every)):
        return "yes" if are else "no"
    spelt = []
    for preset in dict.fromkeys(p for p, _ in are):
        datasets = [dataset for p, dataset in are if p == preset]
        everywhere = len(datasets) == sum(p == preset for p, _ in every)
        spelt.append(preset if everywhere else f"{preset} ({', '.join(datasets)})")
    return f"with {', '.join(spelt)}"


def _millions(match: PresetMatch) -> float:
    return sum(value.numel() for value in match.network(encoder=True).parameters()) / 1e6
