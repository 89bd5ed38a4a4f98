"""Tables as Markdown in which no text from outside is markup."""

import re
from collections.abc import Sequence

from reports.cells import Cell, Mark, Shown

# Markup wherever it stands. An underscore inside a word is none, as in class_lpips.
MARKUP = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")
# What begins a heading, a quotation, a list or a rule where a paragraph or a list item begins.
BEGINNING = re.compile(r"^(?:[#>]|[+-](?=[ -]|$)|\d+(?=[.)](?: |$)))")
# Underlined, by the element that renderers of Markdown let through.
MARKED: dict[Mark, str] = {"": "{}", "best": "**{}**", "second": "<ins>{}</ins>"}
ENTITIES = {"&": "&amp;", "<": "&lt;"}


def escaped(text: str) -> str:
    """Text on one line that a Markdown renderer prints as it is, in a cell of a table, a list item or a paragraph."""
    printable = "".join(each if each.isprintable() else " " for each in text)
    plain = MARKUP.sub(lambda found: f"\\{found[0]}", " ".join(printable.split()))
    for character, entity in ENTITIES.items():
        plain = plain.replace(character, entity)
    return BEGINNING.sub(_escaped_beginning, plain)


def _escaped_beginning(found: re.Match[str]) -> str:
    return f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}"


def markdown(shown: Shown) -> str:
    """A heading, caption and remarks as paragraphs, a table and notes as a list; everything is escaped."""
    above = [f"{escaped(text)}\n" for text in (shown.caption, *shown.remarks) if text]
    headings = [escaped(column.whole) for column in shown.columns]
    rule = f"|{' --- |' * len(headings)}"
    cells = [_line(headings), rule, *(_line(list(map(_cell, row))) for row in shown.rows)]
    below = [f"- {escaped(note)}" for note in shown.notes]
    return "\n".join([f"# {escaped(shown.title)}", "", *above, *cells, "", *below]) + ("\n" if below else "")


def _cell(cell: Cell) -> str:
    text = MARKED[cell.mark].format(escaped(cell.text))
    return f"{text} ± {cell.spread}" if cell.spread else text


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
