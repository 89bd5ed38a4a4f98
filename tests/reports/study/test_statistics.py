"""Statistics against closed forms, textbooks and another implementation, and their coverage in simulated studies."""

import choix
import numpy as np
import pytest
from scipy import stats

from reports.study.statistics import bradley_terry, clustered, holm, krippendorff, needed, power, rate

SIMULATIONS = 1000
# A share of 0.95 of as many simulations, and 4 of its standard deviations.
COVERS = pytest.approx(0.95, abs=4 * (0.95 * 0.05 / SIMULATIONS) ** 0.5)


def test_a_rate_is_wilsons_with_the_exact_test() -> None:
    found = rate(15, 20)
    z = 1.959963984540054
    middle, reach = 0.75 + z**2 / 40, z * (0.75 * 0.25 / 20 + z**2 / 1600) ** 0.5
    expected = np.array([middle - reach, middle + reach]) / (1 + z**2 / 20)
    assert [found.low, found.high] == pytest.approx(expected)
    assert found.value == 0.75
    # 2 (C(20,15) + ... + C(20,20)) / 2^20
    assert found.p == pytest.approx(2 * 21700 / 2**20)
    assert np.isnan([rate(0, 0).value, rate(0, 0).low, rate(0, 0).p]).all()
    assert rate(0, 10).low == 0
    assert rate(10, 10).high == 1


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    adjusted = holm([0.5, float("nan"), 0.9])
    assert adjusted[0] == 1.0
    assert np.isnan(adjusted[1])
    assert adjusted[2] == 1.0
    assert holm([]) == []


def test_wilsons_interval_covers_at_its_rate_where_choices_are_independent() -> None:
    rng = np.random.default_rng(1)
    for preference, choices in ((0.5, 300), (0.62, 200), (0.9, 150)):
        wins = rng.binomial(choices, preference, SIMULATIONS)
        rates = {each: rate(each, choices) for each in set(wins.tolist())}
        assert np.mean([rates[each].low <= preference <= rates[each].high for each in wins.tolist()]) == COVERS


def test_the_interval_over_participants_covers_where_they_differ_and_wilsons_does_not() -> None:
    rng = np.random.default_rng(2)
    participants, choices = 30, 40
    # participants whose own preferences lie around 0.6 with a standard deviation of 0.15
    own = rng.beta(5.8, 5.8 * 2 / 3, (SIMULATIONS, participants))
    wins = rng.binomial(choices, own)
    counts = np.full(participants, choices)
    covers = [low <= 0.6 <= high for low, high in (clustered(each, counts) for each in wins)]
    assert np.mean(covers) == COVERS
    wilson = [rate(int(each.sum()), participants * choices) for each in wins]
    assert np.mean([each.low <= 0.6 <= each.high for each in wilson]) < 0.7
    assert np.isnan(clustered(np.array([3, 0]), np.array([5, 0]))).all()


def test_the_exact_test_errs_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    found = np.array([rate(int(each), 200).p for each in rng.binomial(200, 0.5, SIMULATIONS)])
    assert 0.02 <= np.mean(found <= 0.05) <= 0.065


@pytest.mark.parametrize("size", [9, 10, 37])
def test_power_by_enumeration(size: int) -> None:
    rejected = [wins for wins in range(size + 1) if stats.binomtest(wins, size, 0.5).pvalue <= 0.05]
    expected = stats.binom.pmf(rejected, size, 0.7).sum()
    assert power(np.array([size]), 0.7) == pytest.approx([expected])


@pytest.mark.parametrize("value", [0.05, 0.4, 0.52, 0.6, 0.75, 1.0])
def test_from_as_many_as_are_needed_on_the_power_stays(value: float) -> None:
    count = needed(value)
    assert count is not None
    assert count == needed(1 - value)
    assert power(np.arange(count, 2 * count), value).min() >= 0.8
    assert power(np.array([count - 1]), value) < 0.8


def test_what_no_number_shows() -> None:
    assert needed(0.5) is None
    assert needed(float("nan")) is None
    # ((1.96 / 2 + 0.8416 / 2) / 0.001)^2, beyond what is computed exactly
    assert needed(0.501) == pytest.approx(1.9623e6, rel=1e-3)


def simulated(strengths: np.ndarray, games: int, rng: np.random.Generator) -> np.ndarray:
    """Wins of row over column in as many games of each pair."""
    chances = 1 / (1 + np.exp(strengths[None, :] - strengths[:, None]))
    upper = np.triu(rng.binomial(games, chances), 1)
    return upper + np.tril(games - upper.T, -1)


def test_strengths_are_those_of_choix() -> None:
    rng = np.random.default_rng(4)
    for size in (2, 3, 6):
        wins = simulated(rng.normal(0, 1, size), 12, rng)
        wins[0, -1] += 1
        wins[-1, 0] += 1
        found = bradley_terry(wins)
        assert found is not None
        pairs = [(i, j) for i in range(size) for j in range(size) for _ in range(wins[i, j])]
        for theirs in (choix.ilsr_pairwise(size, pairs, alpha=0), choix.opt_pairwise(size, pairs, alpha=0)):
            assert found.logarithms == pytest.approx(theirs - theirs.mean(), abs=1e-4)


def test_two_strengths_by_hand() -> None:
    found = bradley_terry(np.array([[0, 30], [10, 0]]))
    assert found is not None
    assert found.logarithms == pytest.approx([np.log(3) / 2, -np.log(3) / 2])
    # the difference has the variance 1 / (n p (1 - p)), each half of it a quarter of that
    reach = stats.norm.ppf(0.975) / 2 / (40 * 0.75 * 0.25) ** 0.5
    assert found.high - found.logarithms == pytest.approx([reach, reach])
    assert found.ranks == [(1, 1, 1), (2, 2, 2)]


def test_strengths_cover_at_their_rate_and_ranks_hold() -> None:
    rng = np.random.default_rng(5)
    strengths = np.array([0.9, 0.2, -0.1, -1.0])
    covered, ranked = [], []
    for _ in range(SIMULATIONS):
        found = bradley_terry(simulated(strengths, 60, rng))
        assert found is not None
        covered.append((found.low <= strengths) & (strengths <= found.high))
        ranked.append([low <= place <= high for place, (_, low, high) in enumerate(found.ranks, 1)])
    assert np.mean(covered, axis=0) == pytest.approx([0.95] * 4, abs=4 * (0.95 * 0.05 / SIMULATIONS) ** 0.5)
    assert np.mean(ranked) > 0.95


def test_a_star_of_pairs_is_enough() -> None:
    wins = np.array([[0, 30, 20], [10, 0, 0], [20, 0, 0]])
    found = bradley_terry(wins)
    assert found is not None
    assert found.logarithms - found.logarithms[0] == pytest.approx([0, -np.log(3), 0])


@pytest.mark.parametrize(
    "wins", [[[0, 5], [0, 0]], [[0, 5, 0], [5, 0, 0], [0, 0, 0]], [[0, 3, 2], [2, 0, 4], [0, 0, 0]], [[0]]]
)
def test_where_nobody_lost_there_are_no_strengths(wins: list[list[int]]) -> None:
    assert bradley_terry(np.array(wins)) is None


def test_one_sided_strengths_are_found_too() -> None:
    wins = np.array([[0, 500, 300], [1, 0, 2], [1, 900, 0]])
    found = bradley_terry(wins)
    assert found is not None
    expected = 1 / (1 + np.exp(found.logarithms[None, :] - found.logarithms[:, None]))
    assert ((wins + wins.T) * expected).sum(axis=1) == pytest.approx(wins.sum(axis=1))


# Krippendorff, "Computing Krippendorff's alpha-reliability", 2011: B and C.
TWO = ["0100000010", "1110010000"]
FOUR = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]


def by_unit(observers: list[str]) -> list[list[str]]:
    return [[value for value in unit if value != "."] for unit in zip(*observers, strict=True)]


def test_agreement_is_that_of_the_textbook() -> None:
    assert krippendorff(by_unit(TWO)) == pytest.approx(0.095, abs=5e-4)
    assert krippendorff(by_unit(FOUR)) == pytest.approx(0.743, abs=5e-4)


def test_agreement_of_extremes() -> None:
    assert krippendorff([["a", "a"], ["b", "b", "b"]]) == 1
    assert np.isnan(krippendorff([["a"], []]))
    assert np.isnan(krippendorff([["a", "a"]]))
    rng = np.random.default_rng(6)
    assert abs(krippendorff(rng.integers(0, 2, (5000, 4)).tolist())) < 0.02
