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
    """yes, no, or which presets are."""
    if catalog.method(name).kind == "diffusion":
        return "yes"
    datasets = {preset: dataset for dataset, names in presets.items() if dataset != Folder.name for preset in names}
    are = [p for p, dataset in datasets.items() if Candidate.of(name, p, dataset).config.stochastic]
    return "no" if not are else "yes" if len(are) == len(datasets) else f"with {', '.join(are)}"


def _millions(candidate: Candidate) -> float:
    return sum(value.numel() for value in candidate.network(encoder=True).parameters()) / 1e6
