"""What the program can train or load."""

from typing import NamedTuple

from sdm_bench.datasets.folder import Folder
from sdm_bench.models import catalog
from sdm_bench.recognition import Candidate, paper_candidates


class Described(NamedTuple):
    """A method with the sizes of its published configurations, by dataset, in millions of parameters."""

    method: catalog.Method
    stochastic: str
    presets: dict[str, list[str]]
    millions: dict[str, float]


def describe_methods() -> list[Described]:
    """Every method, in the order of tables."""
    return [_described(name) for name in catalog.METHODS]


def _described(name: str) -> Described:
    candidates = list(paper_candidates(name))
    presets = {dataset: catalog.preset_names(name, dataset) for dataset in catalog.datasets(name)}
    millions = {candidate.dataset: _millions(candidate) for candidate in candidates}
    return Described(catalog.method(name), _stochastic(name, presets), presets, millions)


def _stochastic(name: str, presets: dict[str, list[str]]) -> str:
    """yes, no, or which presets are, and for which datasets where not for all."""
    if catalog.method(name).kind == "diffusion":
        return "yes"
    every = [(p, dataset) for dataset, names in presets.items() if dataset != Folder.name for p in names]
    are = [(p, dataset) for p, dataset in every if Candidate.of(name, p, dataset).config.stochastic]
    if len(are) in (0, len(every)):
        return "yes" if are else "no"
    spelt = []
    for preset in dict.fromkeys(p for p, _ in are):
        datasets = [dataset for p, dataset in are if p == preset]
        everywhere = len(datasets) == sum(p == preset for p, _ in every)
        spelt.append(preset if everywhere else f"{preset} ({', '.join(datasets)})")
    return f"with {', '.join(spelt)}"


def _millions(candidate: Candidate) -> float:
    return sum(value.numel() for value in candidate.network(encoder=True).parameters()) / 1e6
