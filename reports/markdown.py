"""Tables as Markdown in which no text from outside is markup."""

import re
from collections.abc import Sequence

# Markup wherever it stands. An underscore inside a word is none, as in class_lpips.
MARKUP = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")
# What begins a heading, a quotation, a list or a rule where a paragraph or a list item begins.
BEGINNING = re.compile(r"^(?:[#>]|[+-](?=[ -]|$)|\d+(?=[.)](?: |$)))")
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


def markdown(
    title: str,
    remarks: Sequence[str],
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    notes: Sequence[str],
) -> str:
    """A heading, remarks as paragraphs, a table and notes as a list; everything is escaped."""
    above = [f"{escaped(remark)}\n" for remark in remarks]
    cells = [_line(columns), f"|{' --- |' * len(columns)}", *map(_line, rows)]
    below = [f"- {escaped(note)}" for note in notes]
    return "\n".join([f"# {escaped(title)}", "", *above, *cells, "", *below]) + ("\n" if below else "")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(escaped, cells))} |"
