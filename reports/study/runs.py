"""The runs that a study compares, found by the names that the user calls them by."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.pictured import Shown, shown_of, title_of
from sdm_bench.base.errors import UserError
from sdm_bench.base.folders import without_repeats
from sdm_bench.base.progress import say
from sdm_bench.sampling.folders import SampleFolder


@dataclass(frozen=True)
class Match:
    """Two runs of the same label maps that are compared, under the names that the user gave."""

    shown: Shown
    names: tuple[str, str]
    runs: tuple[SampleFolder, SampleFolder]


def read_pair(text: str) -> tuple[str, str]:
    """The two names of "A:B"; raises UserError for anything else."""
    first, _, second = (each.strip() for each in text.partition(":"))
    if not first or not second or ":" in second:
        raise UserError(f"--pairs {text}: expected two runs as A:B, such as --pairs sdm:spade")
    if first == second:
        raise UserError(f"--pairs {text}: twice the same run; expected two different ones")
    return first, second


def find_matches(folders: Sequence[Path], pairs: Sequence[tuple[str, str]]) -> list[Match]:
    """Each pair on each dataset of which both have samples.

    Raises UserError for a name that nothing or, on one dataset, several runs are called by, and for two runs whose
    pictures differ in split, size or label maps. Where one of the two has no samples of a dataset, a line says so.
    """
    told = {frozenset(pair): pair for pair in pairs}
    if len(told) < len(pairs):
        raise UserError(f"--pairs: {', '.join(map(':'.join, pairs))}: one of them twice; expected each pair once")
    groups: dict[Shown, list[SampleFolder]] = {}
    for target in map(SampleFolder, without_repeats(folders)):
        groups.setdefault(shown_of(target.options()), []).append(target)
    found = [match for pair in pairs for match in _matches(pair, groups)]
    called: dict[Path, str] = {}
    for match in found:
        for name, run in zip(match.names, match.runs, strict=True):
            other = called.setdefault(run.folder.resolve(), name)
            if other != name:
                raise UserError(f"--pairs: {other} and {name} are one run, {run.folder}; expected one name for it")
    return found


def _matches(pair: tuple[str, str], groups: dict[Shown, list[SampleFolder]]) -> list[Match]:
    everything = [target for targets in groups.values() for target in targets]
    matches = []
    for name in pair:
        if not any(name in names_of(target) for target in everything):
            known = ", ".join(sorted({names_of(target)[-1] for target in everything}))
            raise UserError(f"--pairs {':'.join(pair)}: no run is called {name}; there are {known}")
    for dataset in dict.fromkeys(shown.dataset for shown in groups):
        sides = [_on(dataset, name, pair, groups) for name in pair]
        if all(sides):
            (first, first_run), (second, second_run) = (side for side in sides if side is not None)
            _refuse_different(pair, first, second)
            matches.append(Match(first, pair, (first_run, second_run)))
        elif any(sides):
            absent = pair[0] if sides[0] is None else pair[1]
            say(f"{':'.join(pair)} left out on {dataset}: no samples of {absent}")
    if not matches:
        raise UserError(f"--pairs {':'.join(pair)}: no dataset of which both have samples")
    return matches


def names_of(target: SampleFolder) -> list[str]:
    """What a run may be called, the most particular first: its path, its folder's name, its heading, its method.

    In a suite the folder's name is a digest, and the cell's above it serves too, with or without the dataset.
    """
    options, folder = target.options(), target.folder
    cell = folder.resolve().parent.name
    return [
        str(folder),
        folder.resolve().name,
        cell,
        cell.removeprefix(f"{options.dataset}."),
        title_of(options),
        options.method,
    ]


def _on(
    dataset: str, name: str, pair: tuple[str, str], groups: dict[Shown, list[SampleFolder]]
) -> tuple[Shown, SampleFolder] | None:
    """The run of a dataset that is called so; of several, that for which it is the more particular name."""
    named = [
        (names_of(target).index(name), shown, target)
        for shown, targets in groups.items()
        if shown.dataset == dataset
        for target in targets
        if name in names_of(target)
    ]
    most = min((place for place, *_ in named), default=0)
    fitting = [(shown, target) for place, shown, target in named if place == most]
    if len(fitting) > 1:
        there = ", ".join(str(target.folder) for _, target in fitting)
        raise UserError(
            f"--pairs {':'.join(pair)}: {len(fitting)} runs of {dataset} are called {name}: {there}; "
            "call one by its path, its folder's name or, in a suite, its cell's"
        )
    return fitting[0] if fitting else None


def _refuse_different(pair: tuple[str, str], first: Shown, second: Shown) -> None:
    said = [
        f"{field.replace('_', ' ')} {_spelt(ours)} and {_spelt(theirs)}"
        for field, ours, theirs in zip(Shown._fields, first, second, strict=True)
        if ours != theirs
    ]
    if said:
        raise UserError(
            f"--pairs {':'.join(pair)}: on {first.dataset} their pictures differ in {', '.join(said)}; "
            "expected the same"
        )


def _spelt(value: object) -> str:
    return f"{value[1]}x{value[0]}" if isinstance(value, tuple) else str(value)[:16]
