"""Every format shows the same digits, and nothing from outside is a command or an element in any of them."""

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

from reports.cells import Cell, Column, Shown
from reports.html_table import html_table
from reports.latex import ACCENTS, LETTERS, LONG, document, escaped, latex
from reports.table import Table
from reports.tables import make_table, make_tables
from sdm_bench.results.rows import REAL
from tests.reports.test_tables import ROWS, of

HOSTILE = [
    "a|b & c_d", "x\ny", r"\input{/etc/passwd} \end{document}", "100 % $x$ #1 ~ ^", "{}", "<script>alert(1)</script>",
    "a -- b --- c", "`q` \"r\"", "[1]", "*", "é ü ß ł ø Ž ő", "中文", "→ ≤ Δ √ ± ↓", "&amp;", "“t”",
    "\N{MULTIPLICATION SIGN} \N{MINUS SIGN} \N{EN DASH} \N{EM DASH} \N{RIGHT SINGLE QUOTATION MARK}",
]  # fmt: skip
LATEX = next((found for name in ("pdflatex", "tectonic") if (found := shutil.which(name))), None)
NUMBER = re.compile(r"[+-]?\d+\.\d{2,4}(?: ± \d+\.\d{2,4})?")


def table(*texts: str, name: str = "t") -> Table:
    """A table with each text as a cell, a heading, a title, a caption, a remark and a note."""
    frame = pd.DataFrame({"method": list(texts), "FID": [1.0] * len(texts)})
    columns = {"method": Column(" ".join(texts), " ".join(texts)), "FID": Column("FID", "g", "lower", 2)}
    return Table(name, texts[0], frame, list(texts), list(texts), columns, texts[-1])


def compiled(tables: list[Table], folder: Path) -> str:
    """What LaTeX says of a document of tables; skips where there is none."""
    if LATEX is None:
        pytest.skip("neither pdflatex nor tectonic is there")
    for each in tables:
        each.write(folder, ["tex"])
    (folder / "tables.tex").write_text(document([each.name for each in tables]), encoding="utf-8")
    options = ["-interaction=nonstopmode", "-halt-on-error"] if "pdflatex" in LATEX else []
    done = subprocess.run(
        [LATEX, *options, "tables.tex"], cwd=folder, capture_output=True, text=True, errors="replace", timeout=300
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (folder / "tables.pdf").stat().st_size > 1000
    return done.stdout


def test_all_formats_have_the_same_digits() -> None:
    for name in ("comparison", "table1", "ablation", "companions"):
        files = make_table(name, ROWS).files()
        markdown = re.sub(r"</?ins>|\*\*", "", files[f"{name}.md"].split("\n- ")[0])
        latex = re.sub(r"\\textbf\{([^}]*)\}|\\underline\{([^}]*)\}", r"\1\2", files[f"{name}.tex"])
        latex = (
            re.sub(r"\\hphantom\{[^}]*\}", "", latex)
            .split(r"\midrule")[1]
            .split(r"\bottomrule")[0]
            .replace(r"$\pm$", "±")
            .replace("$-$", "-")
        )
        html = re.sub("</?(?:strong|u)>", "", files[f"{name}.html"]).split("<tbody>")[1].split("</tbody>")[0]
        found = [NUMBER.findall(text) for text in (markdown, latex, unescape(html))]
        assert found[0]
        assert found[0] == found[1] == found[2], name
        frame = pd.read_csv(pd.io.common.StringIO(files[f"{name}.csv"]))
        assert not any("↓" in heading or "↑" in heading for heading in frame)


def test_marks_are_in_every_format_but_csv() -> None:
    files = make_table("comparison", [of("a", None, value=1.0), of("b", None, value=2.0)]).files()
    assert "**1.00**" in files["comparison.md"]
    assert "<ins>2.00</ins>" in files["comparison.md"]
    assert r"\textbf{1.00}" in files["comparison.tex"]
    assert r"\underline{2.00}" in files["comparison.tex"]
    assert "<strong>1.00</strong>" in files["comparison.html"]
    assert "<u>2.00</u>" in files["comparison.html"]
    assert not {"*", "<", "\\"} & set(files["comparison.csv"])


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_no_element_of_html(text: str) -> None:
    shown = table(text).shown()
    html = str(html_table(shown, {}))
    assert set(re.findall(r"</?([a-z0-9]+)", html)) == {"table", "thead", "tbody", "tr", "th", "td"}
    cells = [unescape(each) for each in re.findall(r"<td\s*>(.*?)</td>", html, re.DOTALL)]
    assert cells == [text.replace("\n", " "), "1.00"]
    assert not re.search(r"<(script|b)>", table(text).files()["t.html"].split("<body>")[1])


def test_numbers_link_to_their_accounts() -> None:
    cell = Cell("1.00", "0.10", "best", "ab")
    shown = Shown("t", "T", "", [], [Column("FID", digits=2)], [[cell], [cell._replace(id="cd")]], [])
    html = str(html_table(shown, {"ab": 'x"&.html'}))
    assert '<a href="x&#34;&amp;.html" title="sdm-bench explain ab"><strong>1.00</strong> ± 0.10</a>' in html
    assert html.count("<a ") == 1


def test_latex_compiles_whatever_texts_hold(tmp_path: Path) -> None:
    said = compiled([table(text, name=f"t{number}") for number, text in enumerate(HOSTILE)], tmp_path)
    assert "Missing character" not in said


def test_every_character_that_latex_is_given_compiles(tmp_path: Path) -> None:
    letters = [chr(code) for code in range(33, 0x180)]
    assert {each for each in letters if escaped(each) == each} > LETTERS
    assert escaped("ą") == "U+0105"
    assert len(ACCENTS) == 12
    compiled([table(" ".join(letters))], tmp_path)


def test_the_tables_of_results_compile(tmp_path: Path) -> None:
    ceiling = of(REAL, None, "miou", track="", sample_set="real", value=0.5)
    names = ("comparison", "table1", "table3", "table4", "companions", "classes", "tracks")
    classes = [of("spade", None, "iou", class_name=f"class_{number}", value=0.5) for number in range(LONG + 20)]
    miou = of("spade", None, "miou", value=0.4)
    tables = [each for name in names for each in make_tables(name, [*ROWS, ceiling, miou, *classes])]
    said = compiled(tables, tmp_path)
    assert "Overfull" not in said
    (long,) = (each for each in tables if each.name == "classes")
    assert r"\begin{longtable}" in latex(long.shown())


def test_what_latex_would_take_for_its_own_is_escaped() -> None:
    assert escaped("a_b & c|d <e> 5 %") == r"a\_b \& c\textbar{}d \textless{}e\textgreater{} 5 \%"
    assert escaped("a\nb") == "a b"
    assert escaped("--x---") == "-{}-x-{}-{}-"
    assert escaped("中") == "U+4E2D"
    assert escaped("") == ""


def test_groups_have_rules_and_blocks_are_apart() -> None:
    columns = [Column("method"), *(Column("FID", group, "lower", 2) for group in "aab")]
    shown = Shown("t", "T", "", [], columns, [[Cell("x")] * 4, [Cell("y")] * 4], [], [1])
    lines = latex(shown).splitlines()
    assert r"\cmidrule(lr){2-3} \cmidrule(lr){4-4}" in lines
    assert lines[lines.index(r"y & y & y & y \\") - 1] == r"\midrule"


def test_headings_of_groups_stand_before_those_of_columns_in_markdown() -> None:
    text = table("a", "b").markdown()
    assert "| a b a b | g FID ↓ |" in text


def test_long_headings_stand_in_several_lines(tmp_path: Path) -> None:
    group = "DDPM, concatenated label map, guidance 1.5"
    columns = [Column("class"), *(Column(title, group, "higher", 2) for title in ("IoU", "a long name of LPIPS"))]
    shown = Shown("t", "T", "", [], columns, [[Cell("x"), Cell("1.00"), Cell("2.00")]], [])
    text = latex(shown)
    assert r"\shortstack[c]{DDPM, concatenated label\\map, guidance 1.5}" in text
    assert r"\shortstack[r]{a long name of\\LPIPS $\uparrow$}" in text
    assert r"IoU $\uparrow$" in text
    frame = pd.DataFrame({"class": ["x"] * 20, **{f"{k} {each}": [1.0] * 20 for k in range(6) for each in "ab"}})
    named = {f"{k} {each}": Column("LPIPS", f"{group} {k}", "higher", 4) for k in range(6) for each in "ab"}
    compiled([Table("wide", "Wide", frame, [], columns=named)], tmp_path)
    # six methods with two numbers each are not scaled down below half
    assert width_of("wide", tmp_path) < 2 * 174


def width_of(name: str, folder: Path) -> float:
    """The width of a table before it is scaled, in mm."""
    body = re.search(r"\\begin\{tabular\}.*\\end\{tabular\}", (folder / f"{name}.tex").read_text(), re.DOTALL)
    assert body
    text = document([]).replace(
        r"\end{document}",
        "\\small\\setlength{\\tabcolsep}{4pt}\\newsavebox{\\measured}\\savebox{\\measured}{%\n"
        f"{body[0]}}}\\typeout{{WIDTH \\the\\wd\\measured}}\\end{{document}}",
    )
    (folder / "measured.tex").write_text(text)
    if LATEX is None or "pdflatex" not in LATEX:
        pytest.skip("no pdflatex, which says how wide a box is")
    done = subprocess.run(
        [LATEX, "-interaction=nonstopmode", "measured.tex"],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
    )
    found = re.search(r"WIDTH ([\d.]+)pt", done.stdout)
    assert found, done.stdout[-500:]
    return float(found[1]) * 0.3515
