"""Which label maps a study shows of each pair of runs, and who sees which of them: drawn by the study's seed."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from sdm_bench.base.errors import UserError

# Of a participant's pairs, as many are shown twice, and as many obvious ones are added, within these limits.
ONE_IN = 10
LEAST, MOST = 5, 10
# A pair is shown again only in the last third, and was shown first in the first third.
APART = 3


def choose_ids(
    common: Sequence[Sequence[str]], what: Sequence[str], count: int, rng: np.random.Generator
) -> list[list[str]]:
    """`count` ids of each pair, given those that both its runs have; those that no other pair has are taken first.

    So a picture of a run that is in two pairs is seen twice only where there are too few label maps. what: each pair,
    for messages. Raises UserError with the numbers where a pair has too few.
    """
    used: Counter[str] = Counter()
    chosen = []
    for ids, title in zip(common, what, strict=True):
        if len(ids) < count:
            raise UserError(f"--per-pair {count}: {title}: both have {len(ids)} label maps; give {len(ids)} or fewer")
        drawn = [ids[place] for place in rng.permutation(len(ids))]
        taken = sorted(drawn, key=lambda name: used[name])[:count]
        used.update(taken)
        chosen.append(taken)
    return chosen


def make_forms(
    strata: Sequence[Sequence[str]], per_participant: int | None, rng: np.random.Generator
) -> list[list[str]]:
    """The items of each form: all in one, or at most `per_participant` in each, every pair's as evenly as can be."""
    shuffled = [[items[place] for place in rng.permutation(len(items))] for items in strata]
    dealt = [item for items in shuffled for item in items]
    if per_participant is None:
        return [dealt]
    count = -(-len(dealt) // per_participant)
    return [dealt[number::count] for number in range(count)]


def extras(asked: int | None, shown: int) -> int:
    """How many pairs are shown twice, or obvious ones added, to a participant who is shown `shown` others."""
    return min(MOST, max(LEAST, shown // ONE_IN)) if asked is None else asked
