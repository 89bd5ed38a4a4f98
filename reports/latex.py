r"""Tables as LaTeX in which no text from outside is markup; they need \usepackage{booktabs}."""

from collections.abc import Sequence

from reports.table import Table

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{each: f"\\{each}" for each in "&%$#_{}"},
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "±": r"$\pm$",
}


def escaped(text: str) -> str:
    """Text on one line that LaTeX prints as it is."""
    printable = "".join(each if each.isprintable() else " " for each in text)
    return "".join(SPECIAL.get(each, each) for each in " ".join(printable.split()))


def latex(table: Table) -> str:
    r"""A table as a float: its title as caption, numbers rounded and to the right, remarks and notes below in small."""
    columns = table.columns
    alignment = "".join("r" if name in table.digits else "l" for name in columns)
    below = [f"{escaped(each)}\\par" for each in (*table.remarks, *table.notes)]
    lines = [
        r"\begin{table}",
        rf"\caption{{{escaped(table.title)}}}",
        rf"\begin{{tabular}}{{{alignment}}}",
        *(r"\toprule", _line(columns), r"\midrule", *map(_line, table.rounded()), r"\bottomrule"),
        r"\end{tabular}",
        *([r"\par\medskip\footnotesize", *below] if below else []),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"{' & '.join(map(escaped, cells))} \\\\"
