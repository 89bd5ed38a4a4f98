"""The cells of a table as HTML, in which no text from outside is markup; pages put them into their frame."""

from collections.abc import Mapping

import pandas as pd
from markupsafe import Markup, escape

from reports.cells import KEPT, Cell, Column, Mark, Shown

MARKED: dict[Mark, Markup] = {"": Markup("{}"), "best": Markup("<strong>{}</strong>"), "second": Markup("<u>{}</u>")}
# What style sheets know cells by, since pandas writes none of its own classes with its styles.
NUMBER = Markup('<span class="number">{}</span>')
BLOCK = Markup('<span class="block">{}</span>')
GROUP = Markup('<span class="group">{}</span>')
# Room for a spread behind a number that has none, so that the numbers of a column stand below each other.
ROOM = Markup('{}<span class="room" data-room=" ± {}"></span>')


def html_table(shown: Shown, addresses: Mapping[str, str] | None = None) -> Markup:
    """The element `table`. addresses: where the account of a number is, by its id; those numbers link to it.

    Before an id may stand the bundle that it is of, and a slash.
    """
    headings = [(str(GROUP.format(each.group)) if each.group else "", str(_heading(each))) for each in shown.columns]
    grouped = any(group for group, _ in headings)
    columns = pd.MultiIndex.from_tuples(headings) if grouped else pd.Index([heading for _, heading in headings])
    widest = [max((row[at].spread for row in shown.rows), key=len, default="") for at in range(len(shown.columns))]
    cells = [
        [
            str(_cell(cell, column, spread, addresses or {}))
            for cell, column, spread in zip(row, shown.columns, widest, strict=True)
        ]
        for row in shown.rows
    ]
    for block in shown.blocks:
        cells[block][0] = str(BLOCK.format(Markup(cells[block][0])))
    styler = pd.DataFrame(cells, columns=columns, dtype=object).style.hide(axis="index")
    return Markup(styler.to_html(exclude_styles=True).strip())


def _heading(column: Column) -> Markup:
    heading = KEPT.sub("\N{NO-BREAK SPACE}", column.heading)
    return escape(heading) if column.digits is None else NUMBER.format(heading)


def _cell(cell: Cell, column: Column, widest: str, addresses: Mapping[str, str]) -> Markup:
    printable = "".join(each if each.isprintable() else " " for each in cell.text)
    text = MARKED[cell.mark].format(printable)
    whole = Markup("{} ± {}").format(text, cell.spread) if cell.spread else text
    if cell.id and cell.id in addresses:
        link = Markup('<a href="{}" title="sdm-bench explain {}">{}</a>')
        whole = link.format(addresses[cell.id], cell.id.rpartition("/")[2], whole)
    if column.digits is None or not cell.text:
        return whole
    return NUMBER.format(whole if cell.spread or not widest else ROOM.format(whole, widest))
