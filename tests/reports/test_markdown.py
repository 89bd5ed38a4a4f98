"""Whatever text comes in, a Markdown renderer prints it as it is."""

from html import escape

import pytest
from markdown_it import MarkdownIt

from reports.cells import Cell, Column, Shown
from reports.markdown import escaped, markdown

HOSTILE = [
    "![p](http://e/x.png)", "[l](javascript:1)", "[l][r]", "`a`", "``` x", "*a* _b_ __c__", "***", "# H", "###",
    "~~x~~", "> q", "- x", "-", "---", "+ x", "1. x", "12) x", "a\\", "y\\|z", "y\\\\|z", "a|b|c", "\\# x", "<b>x</b>",
    "<http://e>", "<script>alert(1)</script>", "&lt; &amp; &copy;", "class_lpips", "snake_case_ _x", "~~~", "é_ü_é",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_no_markup_in_cells_headings_notes_and_remarks(text: str) -> None:
    columns, cells = [Column(text), Column("last")], [[Cell(text), Cell("end")]]
    source = markdown(Shown("t", text, "", [text, text], columns, cells, [text]))
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(source)
    plain = escape(text, quote=False).replace('"', "&quot;")
    assert html.split("\n") == [
        f"<h1>{plain}</h1>", f"<p>{plain}</p>", f"<p>{plain}</p>",
        "<table>", "<thead>", "<tr>", f"<th>{plain}</th>", "<th>last</th>", "</tr>", "</thead>",
        "<tbody>", "<tr>", f"<td>{plain}</td>", "<td>end</td>", "</tr>", "</tbody>", "</table>",
        "<ul>", f"<li>{plain}</li>", "</ul>", "",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["a\n# H", "a\r\n\r\n- b", "a\u2028b", "a\x1b\x00b", "a\u202eb", " a\t b "])
def test_text_stays_on_its_line_and_prints(text: str) -> None:
    assert all(each.isprintable() for each in escaped(text))
    assert "  " not in escaped(text)


@pytest.mark.parametrize(
    "text", ["class_lpips", "sdm-bench@1: SDM, ddim, 25 steps", "124.53 ± 2.02", "-0.5", "mIoU ↑", "48 (val)", "a > b"]
)
def test_what_is_no_markup_stays_readable(text: str) -> None:
    assert escaped(text) == text
