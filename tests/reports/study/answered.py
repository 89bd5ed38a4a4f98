"""Answers that tests give: what the page would send, and simulated participants."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from reports.study.answers import HEADER, Answer
from reports.study.key import DEGRADED, PHOTOGRAPH, Item, Key

# What a participant chooses: item, left and right picture, in; the chosen picture out.
Choice = Callable[[Item, str, str], str]


def answers_of(
    key: Key, choice: Choice, participant: str = "p1", form: int = 0, rng: np.random.Generator | None = None
) -> list[Answer]:
    """All answers of a participant: the form's items in order, sides by chance, then some again, swapped."""
    rng = rng or np.random.default_rng(0)
    asked = [(name, 1, bool(rng.integers(2))) for name in key.forms[form]]
    asked += [(name, 2, not swapped) for name, _, swapped in asked[: key.repeats]]
    made = []
    for position, (name, showing, swapped) in enumerate(asked, 1):
        item = key.items[name]
        left, right = sorted(item.pictures, reverse=swapped)
        chosen = choice(item, left, right)
        made.append(
            Answer(
                study=key.study, participant=participant, form=form, seed=1, position=position, item=name,
                showing=showing, left=left, right=right, chosen=chosen, milliseconds=1000,
            )
        )  # fmt: skip
    return made


def prefers(*order: str) -> Choice:
    """Always the model that comes first in `order`; photographs before what is left of them."""
    ranks = [PHOTOGRAPH, *order, DEGRADED]
    return lambda item, left, right: min(item.pictures, key=lambda name: ranks.index(item.pictures[name]))


def always_left(item: Item, left: str, right: str) -> str:
    """Who doesn't look."""
    return left


def write(path: Path, answers: Sequence[Answer]) -> Path:
    """A file of answers."""
    path.write_text(HEADER + "".join(answer.line() for answer in answers))
    return path
