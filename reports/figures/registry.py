"""The figures by name: which function draws each, and a line for help texts. Nothing slow is imported here."""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from sdm_bench.base.errors import UserError, unknown_name

if TYPE_CHECKING:
    from reports.figures.drawing import Drawing
    from reports.figures.material import Material

FORMATS = ("png", "pdf", "svg")


class Entry(NamedTuple):
    """module: has a function of the figure's name, Material in, a list of Drawing out. summary: for help texts."""

    module: str
    summary: str


FIGURES = {
    name: Entry(f"reports.figures.{name}", summary)
    for name, summary in {
        "compare": "label map, photograph and a sample of each run",
        "samples": "several samples of each label map, and their spread in each pixel",
        "guidance": "FID, mIoU and LPIPS against the guidance scale",
        "solvers": "FID, mIoU and LPIPS against network evaluations and seconds a sample",
        "plane": "FID against LPIPS",
        "classes": "IoU of each class beside the ceiling",
        "sensitivity": "ranks of the same samples under every protocol",
        "training": "curves of stats.jsonl",
        "editing": "pictures with what was erased in green, edited label maps and the samples of each folder of edits",
    }.items()
}
# Drawn where none is asked for, as far as there are samples.
DEFAULT = ("compare",)


class NothingToDraw(UserError):
    """There is nothing for a figure."""


def draw(name: str, material: "Material") -> "list[Drawing]":
    """The figures called `name`: one for all that may be compared. Raises UserError where there is nothing for it."""
    if name not in FIGURES:
        raise unknown_name("figure", name, FIGURES)
    drawn: list[Drawing] = getattr(import_module(FIGURES[name].module), name)(material)
    return drawn


def figure_modules() -> Sequence[str]:
    """The modules that draw figures."""
    return [entry.module for entry in FIGURES.values()]
