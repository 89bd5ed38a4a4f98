"""The tables of a study: rates by dataset as in a paper, everything of each pair, strengths, participants."""

from collections.abc import Sequence

import pandas as pd

from reports.cells import Column, Mark
from reports.names import dataset_name
from reports.study.statistics import ALPHA, LEVEL, POWER, Rate
from reports.study.tally import PASSED, Comparison, Tally
from reports.table import Table

INTERVAL = f"{LEVEL:.0%} interval".replace("%", " %")
PEOPLE = "over participants"
# Whole numbers stand at the right, as others do.
WHOLE = ("people", "choices", "wins", "rank", "answers")


def study_tables(tally: Tally) -> list[Table]:
    """All tables of a study."""
    return [table2(tally), preferences(tally), strengths(tally), participants(tally)]


def table2(tally: Tally) -> Table:
    """Pairs by datasets: how often the first was preferred, in percent."""
    titles = tally.key.titles()
    lines: dict[tuple[str, ...], dict[str, Comparison]] = {}
    for each in tally.comparisons:
        lines.setdefault((*each.pair, each.group), {})[dataset_name(each.dataset)] = each
    datasets = list(dict.fromkeys(dataset_name(each.dataset) for each in tally.comparisons))
    several = len(tally.groups) > 1
    records: list[dict[str, object]] = []
    marks: dict[tuple[int, str], Mark] = {}
    for number, ((first, second, group), found) in enumerate(lines.items()):
        values = {name: found[name].rate.value * 100 if name in found else float("nan") for name in datasets}
        said = {"preferred": titles[first], "over": titles[second], **({"participants": group} if several else {})}
        records.append({**said, **values})
        marks |= {(number, name): "best" for name, each in found.items() if each.p_holm <= ALPHA}
    notes = [
        "Percent of choices in which the first method's picture was preferred; 50 is no preference.",
        f"Bold: other than 50 by the exact binomial test with Holm's correction, p ≤ {ALPHA:g}.",
        *_notes(tally),
    ]
    columns = {name: Column(name, digits=1) for name in datasets}
    frame, blocks = pd.DataFrame(records), _blocks([group for *_, group in lines])
    return Table("table2", "User study: preference", frame, notes, columns=columns, marks=marks, blocks=blocks)


def preferences(tally: Tally) -> Table:
    """Each pair on each dataset with intervals, tests, agreement, and how many choices would be enough."""
    titles, several = tally.key.titles(), len(tally.groups) > 1
    records = [
        {
            "dataset": dataset_name(each.dataset),
            "preferred": titles[each.pair[0]],
            "over": titles[each.pair[1]],
            **({"participants": each.group} if several else {}),
            "people": each.people,
            "choices": each.rate.count,
            "wins": each.rate.wins,
            "preference": each.rate.value * 100,
            "from": each.rate.low * 100,
            "to": each.rate.high * 100,
            "p": each.rate.p,
            "p_holm": each.p_holm,
            "people_from": each.over_people[0] * 100,
            "people_to": each.over_people[1] * 100,
            "agreement": each.agreement,
            "needed": "" if each.needed is None else each.needed,
        }
        for each in tally.comparisons
    ]
    columns = {
        **_whole(),
        "preference": Column("preference (%)", digits=1),
        "from": Column("from", INTERVAL, digits=1),
        "to": Column("to", INTERVAL, digits=1),
        "p": Column("p", digits=4),
        "p_holm": Column("p, Holm", digits=4),
        "people_from": Column("from", PEOPLE, digits=1),
        "people_to": Column("to", PEOPLE, digits=1),
        "agreement": Column("agreement", digits=3),
        "needed": Column("choices needed", digits=0),
    }
    notes = [
        f"Wilson's {INTERVAL} and the exact two-sided binomial test against 50 take choices as independent. Those of "
        f"one participant are alike, which the {INTERVAL} over participants allows for.",
        "A p of 0.0000 is less than 0.00005; the CSV has all digits.",
        "Agreement: Krippendorff's alpha of nominal choices, 1 where all agree, 0 as by chance.",
        f"Choices needed: as many show a preference of this size with a probability of {POWER:g} at p ≤ {ALPHA:g}.",
        *_notes(tally),
    ]
    frame, blocks = pd.DataFrame(records), _blocks([each.group for each in tally.comparisons])
    return Table("preferences", "User study: every pair", frame, notes, columns=columns, blocks=blocks)


def strengths(tally: Tally) -> Table:
    """Bradley-Terry strengths and ranks of the methods on each dataset."""
    titles, several = tally.key.titles(), len(tally.groups) > 1
    records: list[dict[str, object]] = []
    remarks, blocks = [], []
    for each in tally.rankings:
        name = dataset_name(each.dataset) if each.dataset else "all"
        if each.strengths is None:
            whose = f"{name}, participants {each.group}" if several else name
            remarks.append(
                f"{whose}: no strengths; a method or several of them won or lost all choices against the others, or "
                "there were none"
            )
            continue
        found = each.strengths
        blocks += [len(records)] if records else []
        for place in sorted(range(len(each.models)), key=lambda place: found.ranks[place]):
            rank, least, most = found.ranks[place]
            records.append(
                {
                    "dataset": name,
                    **({"participants": each.group} if several else {}),
                    "method": titles[each.models[place]],
                    "strength": float(found.logarithms[place]),
                    "from": float(found.low[place]),
                    "to": float(found.high[place]),
                    "rank": rank,
                    "ranks": f"{least}" if least == most else f"{least} to {most}",
                    "wins": int(each.wins[place].sum()),
                    "choices": int(each.wins[place].sum() + each.wins[:, place].sum()),
                }
            )
    heading = ["dataset", "method", "strength", "from", "to", "rank", "ranks", "wins", "choices"]
    columns = {
        **_whole(),
        "strength": Column("strength", digits=2, signed=True),
        "from": Column("from", INTERVAL, digits=2, signed=True),
        "to": Column("to", INTERVAL, digits=2, signed=True),
        "ranks": Column("possible ranks"),
    }
    notes = [
        "Bradley-Terry strengths in natural logarithms, with mean 0: of two methods, the odds to be preferred are e to "
        "the power of the difference.",
        f"Possible ranks: those that each difference's {INTERVAL} leaves open.",
        *_notes(tally),
    ]
    frame = pd.DataFrame(records, columns=None if records else heading)
    return Table("strengths", "User study: strengths", frame, notes, remarks, columns, blocks=blocks)


def participants(tally: Tally) -> Table:
    """Who answered, how they did in the checks, and how often they took the left picture."""
    records = [
        {
            "participant": each.sheet.participant,
            "answers": len(each.sheet.answers),
            "complete": "yes" if each.complete else "no",
            "obvious": _of(each.obvious),
            "repeats": _of(each.repeats),
            "left": each.left.value * 100,
            "seconds": each.seconds,
            "passed": "yes" if each.passed else "no",
        }
        for each in tally.participants
    ]
    columns = {
        **_whole(),
        "obvious": Column("obvious pairs right"),
        "repeats": Column("same when repeated"),
        "left": Column("left (%)", digits=1),
        "seconds": Column("median seconds", digits=1),
    }
    return Table("participants", "User study: participants", pd.DataFrame(records), _notes(tally), columns=columns)


def _blocks(groups: Sequence[str]) -> list[int]:
    """The line before which those who passed begin, if any."""
    return [groups.index(PASSED)] if PASSED in groups else []


def _whole() -> dict[str, Column]:
    return {name: Column(name, digits=0) for name in WHOLE}


def _of(rate: Rate) -> str:
    return f"{rate.wins} of {rate.count}"


def _notes(tally: Tally) -> Sequence[str]:
    """What every table of the study says: of whom, who failed, and how blind to sides."""
    people, rule, left = tally.participants, tally.key.rule, tally.left
    failed = [each.sheet.participant for each in people if not each.passed]
    stopped = sum(not each.complete for each in people)
    who = f": {', '.join(failed)}; the lines of those {PASSED} are without them" if failed else ""
    return [
        f"{tally.people}{f', {stopped} of them stopped early' if stopped else ''}, who were asked: "
        f"{tally.key.question}",
        f"{len(failed)} failed the checks (less than {rule.obvious:.0%} of obvious pairs right, or the same picture of "
        f"repeated pairs more rarely than a coin in {rule.repeats:.0%} of trials){who}.",
        f"The left picture was chosen in {left.value:.1%} of {left.count} choices ({INTERVAL} {left.low:.1%} to "
        f"{left.high:.1%}, p {'< 0.001' if left.p < 0.0005 else f'= {left.p:.3f}'}).",
    ]
