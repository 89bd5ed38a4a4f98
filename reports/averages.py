"""The explicit mean over trainings that differ in their seed alone, and what is said of those that differ in more."""

from collections.abc import Iterable, Sequence

import numpy as np

from reports.lines import SHORT_DIGEST, Line, lines_of, network, order
from reports.names import dataset_name
from sdm_bench.base.errors import UserError
from sdm_bench.evaluation.metric import all_outputs
from sdm_bench.results.rows import GROUP, REAL, ResultRow

# Fields in which trainings differ that are averaged.
OF_ONE_TRAINING = ("training_seed", "weights_sha256", "sample_set", "manifest_sha256")
# All others that decide a number, which its rows have in common with those it is averaged with.
DECISIVE = tuple(name for name in (*GROUP, "metric") if name not in OF_ONE_TRAINING)
# What a reader takes for one experiment repeated, and what really makes it one.
METHOD = ("dataset", "split", "protocol", "method", "variant", "solver", "steps", "guidance")
EXPERIMENT = (*METHOD, "training_steps", "configuration_sha256", "labels_sha256", "image_size")
WORDS = {
    "configuration_sha256": "the configuration",
    "labels_sha256": "the label maps",
    "protocol_sha256": "the protocol's content",
    "extractor_sha256": "the network that measures",
    "reference_sha256": "the reference set",
    "training_steps": "the training steps",
    "image_size": "the size",
    "num_images": "the number of pictures",
    "num_real": "the number of photographs",
    "incomplete": "completeness",
    "note": "their notes",
}
# Begins a note that says something of one number and nothing of how it came about.
OF_THE_NUMBER = f"above the ceiling of {REAL}"
# A training's seed and weights.
Training = tuple[int | None, str]
Group = list[ResultRow]


def average_trainings(lines: Sequence[Line]) -> tuple[list[Line], list[str]]:
    """Each number as the mean over trainings that differ in their seed alone, with its spread over them.

    Also returns sentences that name trainings of one method that were not averaged, and why. Numbers of other
    trainings stand in lines of their own; so do photographs and pictures without a training. Raises UserError for two
    trainings with one seed, which can't be told from a repetition.
    """
    trained = [line for line in lines if line.first.training_seed is not None]
    groups: dict[tuple, Group] = {}
    for row in sorted((row for line in trained for row in line.rows.values()), key=lambda row: row.training_seed or 0):
        groups.setdefault(_decisive(row), []).append(row)
    parts: dict[tuple[int, ...], list[ResultRow]] = {}
    for group in groups.values():
        seeds = _seeds(group) if len(group) > 1 else ()
        parts.setdefault(seeds, []).append(_mean(group) if seeds else group[0])
    averaged = [line for seeds, rows in parts.items() for line in lines_of(rows, seeds)]
    others = [line for line in lines if line.first.training_seed is None]
    return sorted([*averaged, *others], key=order), _not_averaged(list(groups.values()))


def _decisive(row: ResultRow) -> tuple:
    """What rows have in common that are averaged."""
    return *(getattr(row, name) for name in DECISIVE), *_notes(row)


def _notes(row: ResultRow) -> list[str]:
    return [note for note in row.note.split("; ") if note and not note.startswith(OF_THE_NUMBER)]


def _seeds(group: Group) -> tuple[int, ...]:
    """The training seeds of rows, in order; raises UserError where one is there twice."""
    seeds = tuple(row.training_seed for row in group if row.training_seed is not None)
    if len(set(seeds)) < len(seeds):
        folders = ", ".join(row.folder for row in group)
        raise UserError(
            f"--mean-over-training-seeds: {Line({group[0].metric: group[0]}).title}: trainings with the seeds "
            f"{_listed(seeds)} in {folders}; expected one of each seed"
        )
    return seeds


def _mean(group: Group) -> ResultRow:
    values = np.array([row.value for row in group])
    marks = [
        f"{note} (training seed {row.training_seed})"
        for row in group
        for note in row.note.split("; ")
        if note.startswith(OF_THE_NUMBER)
    ]
    one_training = {name: ResultRow.model_fields[name].default for name in ("training_seed", "weights_sha256")}
    return group[0].model_copy(
        update={
            **one_training,
            **dict.fromkeys(("sample_set", "manifest_sha256", "folder", "evaluation"), ""),
            "value": float(values.mean()),
            "spread": float(values.std(ddof=1)),
            "spread_over": "seeds",
            "note": "; ".join([*_notes(group[0]), *marks]),
        }
    )


def _not_averaged(groups: Sequence[Group]) -> list[str]:
    sentences = []
    for same in _by(METHOD, groups):
        words = dict.fromkeys(word for metric in _by(("metric",), same) for word in _differences(metric))
        if words:
            sentences.append(
                f"Not averaged: {_title(same)}: {_spelled(_trainings(same))} differ in {', '.join(words)}."
            )
    for same in _by(EXPERIMENT, groups):
        for metric in _by(("metric",), same):
            for group in metric:
                lacking = _trainings(same) - _trainings([group]) - _trainings(_rivals(group, metric))
                if lacking:
                    of = f"{_title(same)}: {_number(group, metric)} was not measured of {_spelled(lacking)}"
                    sentences.append(f"Not averaged over all trainings: {of}.")
    return sentences


def _rivals(group: Group, metric: Sequence[Group]) -> list[Group]:
    """Groups of one metric of which each has a training that `group` lacks, and lacks one that it has."""
    mine = _trainings([group])
    return [each for each in metric if _trainings([each]) - mine and mine - _trainings([each])]


def _number(group: Group, metric: Sequence[Group]) -> str:
    """What the rows of a group are called, with how they were measured where the metric was measured otherwise too."""
    row = group[0]
    reference = f", reference {row.reference_sha256[:SHORT_DIGEST]}" if row.reference_sha256 else ""
    return all_outputs()[row.metric].title + (f" ({network(row)}{reference})" if len(metric) > 1 else "")


def _differences(groups: Sequence[Group]) -> Iterable[str]:
    """In what groups of one metric differ of which each has a training that the other lacks."""
    for first in groups:
        for second in _rivals(first, groups):
            yield from (
                WORDS.get(name, name.replace("_", " "))
                for name in DECISIVE
                if getattr(first[0], name) != getattr(second[0], name)
            )
            if _notes(first[0]) != _notes(second[0]):
                yield WORDS["note"]


def _by(names: Sequence[str], groups: Iterable[Group]) -> list[list[Group]]:
    found: dict[tuple, list[Group]] = {}
    for group in groups:
        found.setdefault(tuple(getattr(group[0], name) for name in names), []).append(group)
    return list(found.values())


def _trainings(groups: Iterable[Group]) -> set[Training]:
    return {(row.training_seed, row.weights_sha256) for group in groups for row in group}


def _title(groups: Sequence[Group]) -> str:
    row = groups[0][0]
    return f"{Line({row.metric: row}).title} ({dataset_name(row.dataset)} {row.split}, {row.protocol})"


def _spelled(trainings: Iterable[Training]) -> str:
    trainings = set(trainings)
    seeds = sorted({seed for seed, _ in trainings if seed is not None})
    named = f"seeds {_listed(seeds)}" if len(seeds) > 1 else f"seed {seeds[0]}"
    return f"trainings with the {named}" if len(trainings) > 1 else f"the training with the {named}"


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
