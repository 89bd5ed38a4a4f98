"""The figures that a report asks for, as files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reports.figures.examples import check_way
from reports.figures.material import ColumnChoice, Examples, Material
from reports.figures.registry import DEFAULT, FIGURES, FORMATS, NothingToDraw, draw
from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.base.progress import say

# Figures that show pictures.
PICTURED = ("compare", "samples", "editing")


@dataclass(frozen=True)
class FigureOptions:
    """What a report draws. names: None for DEFAULT as far as there are samples. formats: see FORMATS.

    passing: of what is named, a figure that can't be drawn is a line in place of an error.
    """

    names: Sequence[str] | None = None
    formats: Sequence[str] = (FORMATS[0],)
    examples: Examples = field(default_factory=Examples)
    columns: Sequence[ColumnChoice] = ()
    passing: bool = False


@dataclass(frozen=True)
class FigureFiles:
    """A figure's files by name, its data among them, and what is seen in it."""

    files: Mapping[str, bytes]
    alt: str

    @property
    def shown(self) -> str:
        """The file that a web page shows, empty where there is none."""
        return next((name for name in self.files if name.endswith((".png", ".svg"))), "")


def figure_options(
    names: Sequence[str],
    none: bool,
    formats: Sequence[str],
    ids: Sequence[str],
    way: str | None,
    count: int | None,
    columns: Sequence[str],
) -> FigureOptions:
    """The options as the command takes them; raises UserError for those that exclude each other or do nothing."""
    if none and names:
        raise UserError("--no-figure with --figure: one says none, the other which; give one of them")
    for name in names:
        if name not in FIGURES:
            raise unknown_name("figure", name, FIGURES)
    asked = () if none else names or DEFAULT
    given = {"--format": formats, "--example": ids, "--examples": way, "--rows": count, "--column": columns}
    idle = [flag for flag, value in given.items() if value and (none or flag != "--format")]
    if idle and none:
        raise UserError(f"{idle[0]} with --no-figure: nothing is drawn; give one of them")
    if idle and not {*asked} & {*PICTURED}:
        raise UserError(f"{idle[0]}: of the figures {', '.join(PICTURED)}, of which none is asked for")
    if ids and (way or count):
        raise UserError(
            f"--example with {'--examples' if way else '--rows'}: ids say already which label maps are shown"
        )
    check_way(way or "evenly")
    chosen = [ColumnChoice(*column.split("=", 1)) for column in columns]
    examples = Examples(way or "evenly", ids, count)
    return FigureOptions(
        asked if none or names else None, tuple(dict.fromkeys(formats or FORMATS[:1])), examples, chosen
    )


def figure_files(material: Material, options: FigureOptions) -> list[FigureFiles]:
    """The files of every figure. Raises UserError for one that is asked for and can't be drawn.

    Of those that are drawn anyway or in passing, a line says why one is not.
    """
    made = []
    for name in dict.fromkeys(DEFAULT if options.names is None else options.names):
        if options.names is None and not material.pictured:
            continue
        try:
            drawings = draw(name, material)
        except NothingToDraw as error:
            if options.names is not None and not options.passing:
                raise
            say(f"no figure {name}: {error.message.removeprefix(f'figure {name}: ')}")
            continue
        made += [FigureFiles(each.files(options.formats), each.alt) for each in drawings]
    return made
