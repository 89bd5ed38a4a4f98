"""What a tally finds in the answers of participants whose preferences are known."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from reports.study.answers import Sheet
from reports.study.key import PHOTOGRAPH, Item, write_key
from reports.study.statistics import rate
from reports.study.tally import ALL, PASSED, Tally, count, find_key, tally
from reports.study.written import votes_csv, write_tally
from sdm_bench.base.errors import UserError
from tests.reports.study.answered import Choice, always_left, answers_of, prefers, write
from tests.reports.study.made import built, key_of

STRENGTHS = {"sdm": 0.8, "spade": -0.5, "oasis": -0.3}
SIMULATIONS = 1000


@pytest.fixture(scope="module")
def larger(runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All five label maps of each pair, five obvious pairs and five repeated ones, and a second dataset."""
    study = built(runs, tmp_path_factory.mktemp("larger"), per_pair=5, obvious=5, repeats=5)
    key = key_of(study)
    items = dict(key.items)
    for name, item in key.items.items():
        if item.pair is not None:
            pictures = {f"{picture}0": whose for picture, whose in item.pictures.items()}
            items[f"{name}0"] = item.model_copy(update={"dataset": "ade20k", "pictures": pictures})
    write_key(study / "key.json", key.model_copy(update={"items": items, "forms": [sorted(items)]}))
    return study


def with_chance(rng: np.random.Generator) -> Choice:
    """Prefers by STRENGTHS as Bradley and Terry have it; knows a photograph."""

    def choose(item: Item, left: str, right: str) -> str:
        first, second = item.pictures
        if item.pair is None:
            return first if item.pictures[first] == PHOTOGRAPH else second
        difference = STRENGTHS[item.pictures[first]] - STRENGTHS[item.pictures[second]]
        return first if rng.random() < 1 / (1 + np.exp(-difference)) else second

    return choose


def counted(study: Path, folder: Path, choices: list[Choice], stop: int | None = None) -> Tally:
    """The tally of participants p0, p1, ... of whom the last answers `stop` pairs."""
    key = key_of(study)
    rng = np.random.default_rng(1)
    folder.mkdir(exist_ok=True)
    files = []
    for number, choice in enumerate(choices):
        made = answers_of(key, choice, f"p{number}", rng=rng)
        files.append(write(folder / f"{number}.csv", made[: stop if number == len(choices) - 1 else None]))
    return tally(files, study / "key.json")


def test_rates_are_those_of_the_answers(larger: Path, tmp_path: Path) -> None:
    order = prefers("sdm", "oasis", "spade")
    found = counted(larger, tmp_path / "answers", [order] * 3 + [prefers("spade", "sdm", "oasis")])
    assert [(each.dataset, each.pair, each.group) for each in found.comparisons] == [
        ("ade20k", ("sdm", "spade"), ALL),
        ("ade20k", ("sdm", "oasis"), ALL),
        ("cityscapes", ("sdm", "spade"), ALL),
        ("cityscapes", ("sdm", "oasis"), ALL),
    ]
    assert [(each.rate.wins, each.rate.count) for each in found.comparisons] == [(15, 20), (20, 20)] * 2
    assert [each.rate for each in found.comparisons][:2] == [rate(15, 20), rate(20, 20)]
    # of four p values, two are 2^-19 and two are those of 15 of 20
    assert [each.p_holm for each in found.comparisons][:2] == pytest.approx([2 * rate(15, 20).p, 4 * 2**-19])
    assert [each.people for each in found.comparisons] == [4] * 4
    # three of four agree on each of five label maps: 10 times 15 / 20 against chance
    assert found.comparisons[0].agreement == pytest.approx(1 - (10 / 20) / (2 * 15 * 5 / (20 * 19)))
    assert np.isnan(found.comparisons[1].agreement)
    assert found.comparisons[1].needed == 6
    assert all(each.passed and each.complete for each in found.participants)
    assert [each.dataset for each in found.rankings] == ["ade20k", "cityscapes", ""]
    # SDM never lost to OASIS
    assert [each.strengths for each in found.rankings] == [None] * 3


def test_who_fails_is_counted_and_left_out(larger: Path, tmp_path: Path) -> None:
    honest = prefers("sdm", "oasis", "spade")

    def upside_down(item: Item, left: str, right: str) -> str:
        return ({left, right} - {honest(item, left, right)}).pop()

    found = counted(larger, tmp_path / "answers", [honest, honest, always_left, upside_down])
    assert [each.passed for each in found.participants] == [True, True, False, False]
    assert [each.repeats.wins for each in found.participants] == [5, 5, 0, 5]
    assert [each.obvious.wins for each in found.participants][3] == 0
    assert found.participants[2].left.value == 1
    assert found.left.count == 4 * 20
    by_group = {group: [each for each in found.comparisons if each.group == group] for group in found.groups}
    assert list(by_group) == [ALL, PASSED]
    assert [each.rate.count for each in by_group[ALL]] == [20] * 4
    assert [(each.rate.wins, each.rate.count) for each in by_group[PASSED]] == [(10, 10)] * 4
    assert len(found.votes) == 80


def test_who_stops_early_counts_as_far_as_it_goes(larger: Path, tmp_path: Path) -> None:
    found = counted(larger, tmp_path / "answers", [prefers("sdm", "spade", "oasis")] * 2, stop=3)
    assert [each.complete for each in found.participants] == [True, False]
    assert found.participants[1].passed
    assert sum(each.rate.count for each in found.comparisons) == len(found.votes) < 2 * 20


def test_a_small_p_is_never_said_to_be_zero(larger: Path, tmp_path: Path) -> None:
    found = counted(larger, tmp_path / "answers", [always_left] * 2)
    write_tally(found, tmp_path / "out", formats=["md"])
    assert "The left picture was chosen in 100.0% of 40 choices" in (shown := (tmp_path / "out/table2.md").read_text())
    assert ", p &lt; 0.001)." in shown


def test_preferences_of_simulated_participants_are_found_again(larger: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    found = counted(larger, tmp_path / "answers", [with_chance(rng) for _ in range(40)])
    for each in found.comparisons:
        truth = 1 / (1 + np.exp(STRENGTHS[each.pair[1]] - STRENGTHS[each.pair[0]]))
        assert each.rate.count == 200
        assert each.rate.low <= truth <= each.rate.high
        assert each.over_people[0] <= truth <= each.over_people[1]
    assert found.left.low <= 0.5 <= found.left.high
    everything = found.rankings[-1]
    assert everything.strengths is not None
    truth = np.array([STRENGTHS[name] for name in everything.models])
    assert (np.abs(everything.strengths.logarithms - truth) < 0.3).all()
    assert [rank for rank, *_ in everything.strengths.ranks] == [1, 3, 2]


def test_tables_figure_and_votes_are_written(larger: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    found = counted(larger, tmp_path / "answers", [with_chance(rng)] * 6 + [always_left])
    names = {"methods": {"sdm": "SDM_ours"}, "datasets": {}, "columns": {}}
    written = write_tally(found, tmp_path / "out", pictures=("png", "pdf", "svg"), names=names)
    assert len(written) == len(set(written)) == 4 * 4 + 2 + 4
    assert all(path.stat().st_size for path in written)
    shown = (tmp_path / "out" / "table2.md").read_text()
    assert "| preferred | over | participants | ADE20K | Cityscapes |" in shown
    assert "| SDM_ours | SPADE | all |" in shown
    assert "1 failed the checks" in shown
    assert "p6; the lines of those who passed are without them" in shown
    latex = (tmp_path / "out" / "table2.tex").read_text()
    assert r"SDM\_ours & SPADE & all &" in latex
    with (tmp_path / "out" / "preferences.csv").open() as stream:
        lines = list(csv.DictReader(stream))
    first = found.comparisons[0]
    assert float(lines[0]["preference"]) == pytest.approx(100 * first.rate.value)
    assert float(lines[0]["to"]) == pytest.approx(100 * first.rate.high)
    assert [line["participants"] for line in lines] == [ALL] * 4 + [PASSED] * 4
    with (tmp_path / "out" / "preference.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == 8


def test_tables_without_strengths_say_why(larger: Path, tmp_path: Path) -> None:
    found = counted(larger, tmp_path / "answers", [prefers("sdm", "oasis", "spade")])
    write_tally(found, tmp_path / "out")
    assert "ADE20K: no strengths; " in (tmp_path / "out" / "strengths.md").read_text()
    assert (tmp_path / "out" / "strengths.csv").read_text() == (
        "dataset,method,strength,from,to,rank,ranks,wins,choices\n"
    )
    # one participant: nobody to agree with, and no interval over participants
    with (tmp_path / "out" / "preferences.csv").open() as stream:
        first = next(csv.DictReader(stream))
    assert [first[name] for name in ("people_from", "people_to", "agreement")] == ["", "", ""]


def test_votes_are_all_choices_between_methods(larger: Path, tmp_path: Path) -> None:
    found = counted(larger, tmp_path / "answers", [prefers("oasis", "sdm", "spade")] * 2)
    lines = list(csv.DictReader(io.StringIO(votes_csv(found))))
    assert list(lines[0]) == ["model_a", "model_b", "winner", "item_id", "voter_id"]
    assert len(lines) == 40
    assert {(line["model_a"], line["model_b"], line["winner"]) for line in lines} == {
        ("SDM", "SPADE", "SDM"),
        ("SDM", "OASIS", "OASIS"),
    }
    assert {line["voter_id"] for line in lines} == {"p0", "p1"}
    assert len({(line["model_b"], line["item_id"], line["voter_id"]) for line in lines}) == 40


def test_intervals_of_whole_simulated_studies_cover_at_their_rate(larger: Path) -> None:
    key = key_of(larger)
    rng = np.random.default_rng(9)
    people = [answers_of(key, always_left, f"p{number}", rng=rng) for number in range(10)]
    ways = [[[answer.model_copy(update={"chosen": picture}) for picture in reversed(key.items[answer.item].pictures)]
             for answer in of] for of in people]  # fmt: skip
    chances = np.array([first_is_chosen(key.items[answer.item]) for answer in people[0]])
    truth = {pair: first_is_chosen(item) for item in key.items.values() if (pair := item.pair) is not None}
    strengths = np.array([STRENGTHS[name] for name in ("sdm", "spade", "oasis")])
    covered: dict[str, list[object]] = {"wilson": [], "people": [], "strengths": []}
    for first in rng.random((SIMULATIONS, len(people), len(chances))) < chances:
        sheets = [
            Sheet(f"p{number}", 0, 1, [way[chosen] for way, chosen in zip(of, chosen_first, strict=True)])
            for number, (of, chosen_first) in enumerate(zip(ways, first.tolist(), strict=True))
        ]
        found = count(sheets, key)
        for each in found.comparisons:
            covered["wilson"].append(each.rate.low <= truth[each.pair] <= each.rate.high)
            covered["people"].append(each.over_people[0] <= truth[each.pair] <= each.over_people[1])
        ranking = found.rankings[-1].strengths
        assert ranking is not None
        covered["strengths"].append((ranking.low <= strengths) & (strengths <= ranking.high))
    # 4 standard deviations of what is no less than three independent intervals a study, and the steps of 50 choices
    assert {name: np.mean(each) for name, each in covered.items()} == {
        name: pytest.approx(0.95, abs=4 * (0.95 * 0.05 / SIMULATIONS / 3) ** 0.5 + 0.005) for name in covered
    }


def first_is_chosen(item: Item) -> float:
    """The probability that a participant of `with_chance` takes the first of an item's pictures."""
    first, second = item.pictures.values()
    return 1.0 if item.pair is None else float(1 / (1 + np.exp(STRENGTHS[second] - STRENGTHS[first])))


def test_the_key_is_found_beside_answers_or_above_them(larger: Path, tmp_path: Path) -> None:
    assert find_key([larger / "answers" / "a.csv"], None) == (larger / "key.json").resolve()
    assert find_key([larger / "a.csv"], None) == (larger / "key.json").resolve()
    assert find_key([tmp_path / "a.csv"], larger / "key.json") == larger / "key.json"
    with pytest.raises(UserError, match=r"no key.json in .*; --key says where"):
        find_key([tmp_path / "a.csv"], None)


def test_no_answers_are_refused(larger: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.csv: no answers yet"):
        tally([write(tmp_path / "a.csv", [])], larger / "key.json")
