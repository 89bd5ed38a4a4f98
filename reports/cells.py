"""What a table shows: columns with headings, cells with a number, its spread, its mark and the result behind it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from reports.names import column_name

ARROWS = {"": "", "lower": "↓", "higher": "↑"}
# The blank before an arrow, at which no heading is broken.
KEPT = re.compile(" (?=[↓↑]$)")
Mark = Literal["", "best", "second"]


@dataclass(frozen=True)
class Column:
    """A column as it is shown.

    group: a heading over several, such as a dataset. direction: of the better numbers, empty for what is not ranked.
    digits: after the point, None for text. signed: numbers are differences, and show a plus too.
    """

    title: str
    group: str = ""
    direction: Literal["", "lower", "higher"] = ""
    digits: int | None = None
    signed: bool = False

    @property
    def heading(self) -> str:
        """The title, with an arrow to the better numbers."""
        return f"{self.title} {ARROWS[self.direction]}".rstrip()

    @property
    def whole(self) -> str:
        """The heading behind that of its group, for formats with one line of headings."""
        return f"{self.group} {self.heading}".lstrip()


def text_columns(names: Iterable[object]) -> dict[str, Column]:
    """Columns that are called as the user calls them."""
    return {str(name): Column(column_name(str(name))) for name in names}


class Cell(NamedTuple):
    """A cell as it is shown, nothing escaped. spread: what stands behind ±. id: of the result, where it is kept."""

    text: str
    spread: str = ""
    mark: Mark = ""
    id: str = ""


@dataclass(frozen=True)
class Shown:
    """All that the formats show of a table. blocks: the lines before which a rule stands."""

    name: str
    title: str
    caption: str
    remarks: Sequence[str]
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str]
    blocks: Sequence[int] = ()


def digits_of(value: float, digits: int, signed: bool = False) -> str:
    """A number with `digits` after the point; nothing is never negative."""
    return f"{value:{'+' if signed else ''}z.{digits}f}"
