"""What a method's paper says, what its authors' code does, and what is done here.

`python -m sdm_bench.models.paper_and_code` prints the page docs/paper-and-code.md, which is made from the same file.
"""

from functools import cache
from importlib import resources

import yaml

from sdm_bench.base.sections import Section, parsed
from sdm_bench.models.methods import METHODS, method

FILE = "paper_and_code.yaml"
SILENT = "nothing at hand says"
HEAD = """\
# Paper and code

What each method's paper says, what its authors' code does, and what is done here. SDM's paper was read in a detailed
summary, others in abstracts and excerpts; "{silent}" means that nothing that was read says it. Short commits are of
the repository named under each method. `sdm-bench methods show METHOD` prints the same. This page is made from
`sdm_bench/models/{file}` by `python -m sdm_bench.models.paper_and_code > docs/paper-and-code.md`.
"""


class Statement(Section):
    """One line: a topic, and what paper, code and this program have of it; None for what nothing at hand says.

    sources: places in the paper, and files of the code at a commit.
    """

    topic: str
    paper: str | None = None
    code: str | None = None
    ours: str
    sources: tuple[str, ...]


@cache
def _all() -> dict[str, tuple[Statement, ...]]:
    text = resources.files("sdm_bench.models").joinpath(FILE).read_text(encoding="utf-8")
    return {
        name: tuple(parsed(Statement, line, f"{FILE}: {name}") for line in lines)
        for name, lines in yaml.safe_load(text).items()
    }


def statements(name: str) -> tuple[Statement, ...]:
    """Those of a method; raises UserError with the nearest known name."""
    return _all()[method(name).name]


def described(name: str) -> list[str]:
    """The lines of `statements` for a terminal."""
    lines = []
    for each in statements(name):
        lines += [
            f"{each.topic}",
            f"  paper: {each.paper or SILENT}",
            f"  code:  {each.code or SILENT}",
            f"  here:  {each.ours}",
            f"  from:  {'; '.join(each.sources)}",
        ]
    return lines


def page() -> str:
    """docs/paper-and-code.md, a table a method."""
    parts = [HEAD.format(silent=SILENT, file=FILE)]
    for about in METHODS.values():
        parts.append(f"\n## {about.title}\n\nCode: {about.original}\n\n| topic | paper | code | here | sources |\n")
        parts.append("| --- | --- | --- | --- | --- |\n")
        for each in statements(about.name):
            cells = each.topic, each.paper or SILENT, each.code or SILENT, each.ours, "; ".join(each.sources)
            parts.append(f"| {' | '.join(cells)} |\n")
    return "".join(parts)


if __name__ == "__main__":
    print(page(), end="")
