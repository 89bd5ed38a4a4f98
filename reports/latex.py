"""Tables as LaTeX to \\input into a paper, in which no text from outside is a command; booktabs rules the lines."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from textwrap import wrap

import pandas as pd

from reports.cells import Cell, Column, Mark, Shown

# What a document needs that has these tables in it.
PACKAGES = ("booktabs", "graphicx", "longtable")
# Characters of a heading in one line, for each column that it is over.
HEADING = 14
# Tables of more lines go over pages.
LONG = 40
# What pages of a document measure that has nothing but these tables.
DOCUMENT = r"""\documentclass[a4paper]{{article}}
\usepackage[margin=18mm]{{geometry}}
{packages}
\begin{{document}}
{inputs}
\end{{document}}
"""
COMMANDS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "`": r"\textasciigrave{}", '"': "''",
    # behind the end of a line these would be an argument of it
    "[": "{[}", "]": "{]}", "*": "{*}",
    "±": r"$\pm$", "↓": r"$\downarrow$", "↑": r"$\uparrow$", "→": r"$\to$", "≤": r"$\leq$", "≥": r"$\geq$",
    "Δ": r"$\Delta$", "√": r"$\surd$", "·": r"$\cdot$", "…": r"\dots{}",
    "\N{MULTIPLICATION SIGN}": r"$\times$", "\N{MINUS SIGN}": "$-$", "\N{EN DASH}": "--", "\N{EM DASH}": "---",
    "\N{LEFT SINGLE QUOTATION MARK}": "`", "\N{RIGHT SINGLE QUOTATION MARK}": "'", "“": "``", "”": "''",
}  # fmt: skip
# What LaTeX prints in any of its fonts: letters of its own, and accents on others.
LETTERS = frozenset("ßæøÆØłŁœŒı")
ACCENTS = frozenset("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327")
MARKED: dict[Mark, str] = {"": "{}", "best": r"\textbf{{{}}}", "second": r"\underline{{{}}}"}


def latex(shown: Shown) -> str:
    """A `table` or, of many lines, a `longtable`, with caption, label and notes; needs PACKAGES.

    What is wider than the text is scaled down to it. Characters that LaTeX's fonts lack are written as U+4E2D.
    """
    needs = f"% needs {', '.join(PACKAGES)}"
    caption = r"\caption{" + " ".join(escaped(_sentence(text)) for text in (shown.title, shown.caption) if text) + "}"
    label = rf"\label{{tab:{re.sub(r'[^A-Za-z0-9.-]', '-', shown.name)}}}"
    below = [escaped(_sentence(note)) for note in (*shown.remarks, *shown.notes)]
    notes = "\n".join(["{\\footnotesize", *(rf"\noindent {note}\par" for note in below), "}"] if below else [])
    if len(shown.rows) > LONG:
        body = _tabular(shown, long=True).replace(r"\toprule", rf"{caption} {label} \\" + "\n\\toprule", 1)
        return f"{needs}\n{{\\small\\setlength{{\\tabcolsep}}{{4pt}}\n{body}}}\n{notes}\n"
    body = _tabular(shown)
    fitted = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
    return "\n".join(
        [
            needs,
            r"\begin{table}[tbp]",
            r"\centering",
            caption,
            label,
            r"\small\setlength{\tabcolsep}{4pt}",
            rf"{fitted}",
            f"{body.rstrip()}%\n}}",
            r"\par\smallskip",
            rf"\begin{{minipage}}{{\linewidth}}{notes}\end{{minipage}}" if notes else "",
            r"\end{table}",
            "",
        ]
    )


def document(names: Sequence[str]) -> str:
    """A document that shows the tables in files called `names` beside it."""
    packages = "\n".join(rf"\usepackage{{{each}}}" for each in PACKAGES)
    return DOCUMENT.format(packages=packages, inputs="\n".join(rf"\input{{{name}}}\clearpage" for name in names))


def escaped(text: str) -> str:
    """Text on one line that LaTeX prints as it is."""
    printable = "".join(each if each.isprintable() else " " for each in text)
    plain = " ".join(printable.split())
    # two hyphens would become a dash
    followed = zip(plain, f"{plain[1:]} ", strict=False)
    return "".join("-{}" if (each, behind) == ("-", "-") else _character(each) for each, behind in followed)


def _character(each: str) -> str:
    if each in COMMANDS:
        return COMMANDS[each]
    if ord(each) < 128 or each in LETTERS:
        return each
    letter, *accents = list(unicodedata.normalize("NFD", each))
    if len(accents) == 1 and accents[0] in ACCENTS and letter.isascii() and ord(each) < 0x180:
        return each
    return f"U+{ord(each):04X}"


def _tabular(shown: Shown, long: bool = False) -> str:
    groups = any(column.group for column in shown.columns)
    wide = Counter(column.group for column in shown.columns)
    headings = [
        (_stacked(column.group, wide[column.group], "c"), _stacked(column.heading, 1, _align(column)))
        for column in shown.columns
    ]
    columns = pd.MultiIndex.from_tuples(headings) if groups else pd.Index([heading for _, heading in headings])
    # numbers without a spread stand below those with one
    widest = [max((row[at].spread for row in shown.rows), key=len, default="") for at in range(len(shown.columns))]
    cells = [[_cell(cell, spread) for cell, spread in zip(row, widest, strict=True)] for row in shown.rows]
    styler = pd.DataFrame(cells, columns=columns, dtype=object).style.hide(axis="index")
    align = "".join(map(_align, shown.columns))
    environment = "longtable" if long else None
    text: str = styler.to_latex(hrules=True, column_format=align, multicol_align="c", environment=environment)
    lines = text.splitlines()
    if groups:
        for number in reversed([number for number, line in enumerate(lines) if line == r"\toprule"]):
            lines.insert(number + 2, _rules(shown.columns))
    first = lines.index(r"\endlastfoot" if long else r"\midrule") + 1
    for block in reversed(shown.blocks):
        lines.insert(first + block, r"\midrule")
    return "\n".join(lines) + "\n"


def _align(column: Column) -> str:
    return "l" if column.digits is None else "r"


def _stacked(text: str, columns: int, align: str) -> str:
    """A heading over so many columns, in several lines where it is long; an arrow stays with the last word."""
    kept = re.sub(r" (?=[↓↑]$)", "\N{NO-BREAK SPACE}", text)
    lines = [escaped(line) for line in wrap(kept, HEADING * columns, break_long_words=False, break_on_hyphens=False)]
    return rf"\shortstack[{align}]{{" + r"\\".join(lines) + "}" if len(lines) > 1 else "".join(lines)


def _rules(columns: Sequence[Column]) -> str:
    """A rule below the heading of each group."""
    rules, start = [], 0
    for end in range(1, len(columns) + 1):
        if end == len(columns) or columns[end].group != columns[start].group:
            rules += [rf"\cmidrule(lr){{{start + 1}-{end}}}"] if columns[start].group else []
            start = end
    return " ".join(rules)


def _cell(cell: Cell, widest: str) -> str:
    number = escaped(cell.text)
    if re.fullmatch(r"-[\d.]+", number):
        number = f"$-${number[1:]}"
    text = MARKED[cell.mark].format(number)
    if not cell.spread and text and widest:
        return rf"{text}\hphantom{{ $\pm$ {widest}}}"
    return rf"{text} $\pm$ {cell.spread}" if cell.spread else text


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
