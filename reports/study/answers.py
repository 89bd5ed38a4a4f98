"""Answers as lines of CSV: what one says, what it has to agree with, and files of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from reports.study.key import Item, Key
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_text
from sdm_bench.base.sections import Section

Name = Annotated[str, Field(pattern=r"^[a-z][0-9a-f]{1,32}$")]
Place = Annotated[int, Field(ge=1, le=1_000_000)]
# Of a participant's random number.
SEEDS = 2**32


class Answer(Section):
    """One choice. position: from 1 on. showing: 2 for a pair's second. left, right, chosen: ids of pictures."""

    study: Name
    participant: Name
    form: Annotated[int, Field(ge=0)]
    seed: Annotated[int, Field(ge=0, lt=SEEDS)]
    position: Place
    item: Name
    showing: Literal[1, 2]
    left: Name
    right: Name
    chosen: Name
    milliseconds: Annotated[int, Field(ge=0)]

    def line(self) -> str:
        """As it stands in a file."""
        return ",".join(str(getattr(self, name)) for name in FIELDS) + "\n"


FIELDS = tuple(Answer.model_fields)
HEADER = ",".join(FIELDS) + "\n"


@dataclass
class Sheet:
    """What one participant answered, in order."""

    participant: str
    form: int
    seed: int
    answers: list[Answer] = field(default_factory=list)

    def wrong(self, answer: Answer, key: Key) -> str:
        """Why an answer can't be this participant's next, as a clause; empty if it can."""
        problem = _wrong_in_itself(answer, key)
        if problem:
            return problem
        if (answer.participant, answer.form, answer.seed) != (self.participant, self.form, self.seed):
            return f"another form or seed than before of participant {self.participant}"
        if answer.position != len(self.answers) + 1:
            return f"position {answer.position}; expected {len(self.answers) + 1}"
        before = [each for each in self.answers if each.item == answer.item]
        if len(before) + 1 != answer.showing:
            return f"item {answer.item} for the {len(before) + 1}. time, showing {answer.showing}"
        if answer.showing == 2 and sum(each.showing == 2 for each in self.answers) >= key.repeats:
            return f"more than {key.repeats} pairs a second time"
        return ""

    def complete(self, key: Key) -> bool:
        """Whether all pairs of the form are answered."""
        return len(self.answers) == key.shown(self.form)

    def first_showings(self, key: Key) -> list[tuple[Answer, Item]]:
        """The answers that count, with their items: each pair's first."""
        return [(each, key.items[each.item]) for each in self.answers if each.showing == 1]


def _wrong_in_itself(answer: Answer, key: Key) -> str:
    if answer.study != key.study:
        return f"of study {answer.study}; expected {key.study}"
    item = key.items.get(answer.item)
    if item is None:
        return f"item {answer.item}, which the study doesn't have"
    if answer.form >= len(key.forms) or answer.item not in key.forms[answer.form]:
        return f"item {answer.item}, which form {answer.form} doesn't have"
    if {answer.left, answer.right} != {*item.pictures}:
        return f"pictures {answer.left} and {answer.right}; item {answer.item} has {' and '.join(item.pictures)}"
    if answer.chosen not in item.pictures:
        return f"chosen {answer.chosen}; expected {answer.left} or {answer.right}"
    return ""


def why_invalid(error: ValidationError) -> str:
    """The wrong fields and why, on one line that repeats nothing of what was sent."""
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'answer'}: {each['msg']}" for each in error.errors())


def read_sheets(paths: Sequence[Path], key: Key) -> list[Sheet]:
    """The participants' answers in files, those that have any.

    Raises UserError that names the file and line for an answer of another study, of an unknown item, for a participant
    in two files, and for a line that is cut off.
    """
    found: dict[str, tuple[Sheet, Path]] = {}
    for path in dict.fromkeys(path.resolve() for path in paths):
        for sheet in read_sheets_of(path, key).values():
            if sheet.participant in found:
                raise UserError(
                    f"{path}: participant {sheet.participant} is in {found[sheet.participant][1]} too; expected once"
                )
            found[sheet.participant] = sheet, path
    return [sheet for sheet, _ in found.values()]


def read_sheets_of(path: Path, key: Key) -> dict[str, Sheet]:
    """The answers in one file, by participant; raises UserError as `read_sheets` does."""
    text = read_text(path, "CSV of answers")
    header, *lines = text.split("\n")
    if header != HEADER.strip():
        raise UserError(f"{path}: begins with {header[:80]!r}; expected {HEADER.strip()}")
    if lines and lines[-1]:
        raise UserError(f"{path}, line {len(lines) + 1}: cut off; remove the line if the rest is to count")
    sheets: dict[str, Sheet] = {}
    for number, line in enumerate(lines[:-1], 2):
        answer = _parsed(line, f"{path}, line {number}")
        sheet = sheets.setdefault(answer.participant, Sheet(answer.participant, answer.form, answer.seed))
        problem = sheet.wrong(answer, key)
        if problem:
            raise UserError(f"{path}, line {number}: {problem}")
        sheet.answers.append(answer)
    return sheets


def _parsed(line: str, where: str) -> Answer:
    cells = line.split(",")
    if len(cells) != len(FIELDS):
        raise UserError(f"{where}: {len(cells)} fields; expected {len(FIELDS)}: {', '.join(FIELDS)}")
    try:
        # all but names are whole numbers, spelt as the page spells them
        fields = {name: int(cell) if cell.isascii() and cell.isdigit() else cell
                  for name, cell in zip(FIELDS, cells, strict=True)}  # fmt: skip
        return Answer.model_validate(fields, strict=True)
    except ValidationError as error:
        raise UserError(f"{where}: {why_invalid(error)}") from error
