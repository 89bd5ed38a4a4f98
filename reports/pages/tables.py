"""A page of one table."""

from reports.cells import Shown
from reports.pages.render import render


def page(shown: Shown) -> str:
    """The table as a page that opens without a server."""
    return render("pages/table.html", shown=shown)
