"""The cells of a table as HTML, in which no text from outside is markup; pages put them into their frame."""

from collections.abc import Mapping

import pandas as pd
from markupsafe import Markup, escape

from reports.cells import Cell, Mark, Shown

MARKED: dict[Mark, Markup] = {"": Markup("{}"), "best": Markup("<strong>{}</strong>"), "second": Markup("<u>{}</u>")}


def html_table(shown: Shown, addresses: Mapping[str, str] | None = None) -> Markup:
    """The element `table`. addresses: where the account of a number is, by its id; those numbers link to it.

    Before an id may stand the bundle that it is of, and a slash.
    """
    headings = [(str(escape(each.group)), str(escape(each.heading))) for each in shown.columns]
    grouped = any(group for group, _ in headings)
    columns = pd.MultiIndex.from_tuples(headings) if grouped else pd.Index([heading for _, heading in headings])
    cells = [[str(_cell(cell, addresses or {})) for cell in row] for row in shown.rows]
    styler = pd.DataFrame(cells, columns=columns, dtype=object).style.hide(axis="index")
    return Markup(styler.to_html(exclude_styles=True).strip())


def _cell(cell: Cell, addresses: Mapping[str, str]) -> Markup:
    printable = "".join(each if each.isprintable() else " " for each in cell.text)
    text = MARKED[cell.mark].format(printable)
    whole = Markup("{} ± {}").format(text, cell.spread) if cell.spread else text
    if not cell.id or cell.id not in addresses:
        return whole
    link = Markup('<a href="{}" title="sdm-bench explain {}">{}</a>')
    return link.format(addresses[cell.id], cell.id.rpartition("/")[2], whole)
