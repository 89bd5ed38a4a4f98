"""What the answers of a study say: rates of each pair, strengths, and who looked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reports.study.answers import Sheet, read_sheets
from reports.study.key import KEY_FILE, PHOTOGRAPH, Item, Key, read_key
from reports.study.statistics import Rate, Strengths, bradley_terry, clustered, holm, krippendorff, needed, rarely, rate
from sdm_bench.base.errors import UserError

# Whose answers are counted.
ALL, PASSED = "all", "who passed"


@dataclass(frozen=True)
class Participant:
    """What is known of one who answered.

    obvious, repeats: how often the photograph was taken, and the same picture of a pair that came twice. left: the
    choices of the left picture. seconds: the median of a choice. passed: by the study's rule.
    """

    sheet: Sheet
    obvious: Rate
    repeats: Rate
    left: Rate
    seconds: float
    complete: bool
    passed: bool


@dataclass(frozen=True)
class Comparison:
    """A pair on a dataset: how often the first was preferred.

    group: whose answers, ALL or PASSED. p_holm: among all comparisons of the group. over_people: the interval that
    takes participants and not choices as independent. people: how many chose. agreement: Krippendorff's alpha. needed:
    choices that show this preference.
    """

    dataset: str
    pair: tuple[str, str]
    group: str
    rate: Rate
    p_holm: float
    over_people: tuple[float, float]
    people: int
    agreement: float
    needed: int | None


@dataclass(frozen=True)
class Ranking:
    """The strengths of the models on a dataset, or on all (empty). None where there is no finite best fit."""

    dataset: str
    group: str
    models: Sequence[str]
    wins: np.ndarray
    strengths: Strengths | None


@dataclass(frozen=True)
class Vote:
    """A choice between two models of one label map by one participant."""

    dataset: str
    pair: tuple[str, str]
    winner: str
    item: str
    participant: str

    @property
    def first(self) -> bool:
        """Whether the first of the pair won."""
        return self.winner == self.pair[0]


@dataclass(frozen=True)
class Tally:
    """All that the answers say. left: choices of the left picture over all participants."""

    key: Key
    participants: Sequence[Participant]
    votes: Sequence[Vote]
    comparisons: Sequence[Comparison]
    rankings: Sequence[Ranking]
    left: Rate

    @property
    def people(self) -> str:
        """How many participants there are, in words."""
        return f"{len(self.participants)} participant{'' if len(self.participants) == 1 else 's'}"

    @property
    def groups(self) -> list[str]:
        """ALL, and PASSED where somebody failed."""
        return list(dict.fromkeys(each.group for each in self.comparisons))


def find_key(answers: Sequence[Path], given: Path | None) -> Path:
    """The key that answers belong to: the user's, else the one beside them or above their folder."""
    if given is not None:
        return given
    folder = answers[0].resolve().parent
    for place in (folder, folder.parent):
        if (place / KEY_FILE).is_file():
            return place / KEY_FILE
    raise UserError(f"no {KEY_FILE} in {folder} or {folder.parent}; --key says where that of the study is")


def tally(answers: Sequence[Path], key_file: Path) -> Tally:
    """Counts the answers in files. Raises UserError as `read_sheets` does, and where there is no answer at all."""
    key = read_key(key_file)
    sheets = read_sheets(answers, key)
    if not sheets:
        raise UserError(f"{', '.join(map(str, answers))}: no answers yet")
    return count(sheets, key)


def count(sheets: Sequence[Sheet], key: Key) -> Tally:
    """What all participants together say."""
    participants = [_participant(sheet, key) for sheet in sheets]
    votes = _votes(sheets, key)
    groups = {ALL: votes}
    passed = {each.sheet.participant for each in participants if each.passed}
    if len(passed) < len(participants):
        groups[PASSED] = [vote for vote in votes if vote.participant in passed]
    asked = list(dict.fromkeys((item.dataset, item.pair) for item in _in_order(key) if item.pair is not None))
    return Tally(
        key,
        participants,
        votes,
        [each for name, of in groups.items() for each in _comparisons(name, of, asked)],
        [each for name, of in groups.items() for each in _rankings(name, of, key)],
        rate(sum(each.left.wins for each in participants), sum(each.left.count for each in participants)),
    )


def _in_order(key: Key) -> list[Item]:
    """The items by dataset, and by pair as the user named them."""
    names = list(dict.fromkeys(model.name for model in key.models))
    pairs = [item for item in key.items.values() if item.pair is not None]
    return sorted(pairs, key=lambda item: (item.dataset, *map(names.index, item.pair or ())))


def _participant(sheet: Sheet, key: Key) -> Participant:
    shown = sheet.first_showings(key)
    obvious = [item.pictures[answer.chosen] == PHOTOGRAPH for answer, item in shown if item.pair is None]
    asked = [answer for answer, item in shown if item.pair is not None]
    first = {answer.item: answer.chosen for answer, _ in shown}
    again = [answer for answer in sheet.answers if answer.showing == 2]
    seen = rate(sum(obvious), len(obvious))
    same = rate(sum(first[answer.item] == answer.chosen for answer in again), len(again))
    left = rate(sum(answer.chosen == answer.left for answer in asked), len(asked))
    seconds = float(np.median([answer.milliseconds for answer in sheet.answers])) / 1000
    # of nothing, nothing was answered wrongly
    passed = not (seen.value < key.rule.obvious or rarely(same.wins, same.count) < key.rule.repeats)
    return Participant(sheet, seen, same, left, seconds, sheet.complete(key), passed)


def _votes(sheets: Sequence[Sheet], key: Key) -> list[Vote]:
    return [
        Vote(item.dataset, item.pair, item.pictures[answer.chosen], item.example, sheet.participant)
        for sheet in sheets
        for answer, item in sheet.first_showings(key)
        if item.pair is not None
    ]


def _comparisons(
    group: str, votes: Sequence[Vote], asked: Sequence[tuple[str, tuple[str, str] | None]]
) -> list[Comparison]:
    found = []
    for dataset, pair in asked:
        of = [vote for vote in votes if (vote.dataset, vote.pair) == (dataset, pair)]
        found.append((dataset, pair, of, rate(sum(vote.first for vote in of), len(of))))
    adjusted = holm([each.p for *_, each in found])
    return [
        Comparison(
            dataset,
            pair,
            group,
            value,
            p_holm,
            clustered(*_by_participant(of)),
            len({vote.participant for vote in of}),
            krippendorff(list(_by_item(of).values())),
            needed(value.value),
        )
        for (dataset, pair, of, value), p_holm in zip(found, adjusted, strict=True)
        if pair is not None
    ]


def _by_participant(votes: Sequence[Vote]) -> tuple[np.ndarray, np.ndarray]:
    """Wins of the first and choices, of each participant."""
    found: dict[str, list[bool]] = {}
    for vote in votes:
        found.setdefault(vote.participant, []).append(vote.first)
    return np.array([sum(of) for of in found.values()]), np.array([len(of) for of in found.values()])


def _by_item(votes: Sequence[Vote]) -> Mapping[str, list[object]]:
    found: dict[str, list[object]] = {}
    for vote in votes:
        found.setdefault(vote.item, []).append(vote.first)
    return found


def _rankings(group: str, votes: Sequence[Vote], key: Key) -> list[Ranking]:
    """On each dataset, and over all where there are several."""
    datasets = sorted({vote.dataset for vote in votes})
    rankings = []
    for dataset in [*datasets, *([""] if len(datasets) > 1 else [])]:
        of = [vote for vote in votes if dataset in ("", vote.dataset)]
        there = {name for vote in of for name in vote.pair}
        models = [name for name in dict.fromkeys(model.name for model in key.models) if name in there]
        wins = np.zeros((len(models), len(models)), dtype=np.int64)
        for vote in of:
            (loser,) = {*vote.pair} - {vote.winner}
            wins[models.index(vote.winner), models.index(loser)] += 1
        rankings.append(Ranking(dataset, group, models, wins, bradley_terry(wins)))
    return rankings
