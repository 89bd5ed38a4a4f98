"""Several samples of each label map, and how far they differ in each pixel."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd

from reports.figures.drawing import Drawing
from reports.figures.material import Material
from reports.figures.pictures import PictureSet, picture_sets
from reports.figures.pictures import samples as samples_of
from reports.figures.registry import NothingToDraw
from reports.figures.sheet import BLANK, Bar, Sheet, draw_sheet
from reports.figures.style import styled
from reports.pictured import Pictured
from sdm_bench.base.drawing import colorize
from sdm_bench.base.progress import say
from sdm_bench.datasets.base import Example

EXAMPLES, SHOWN = 2, 4
# The share of pixels, in percent, up to whose spread the colours go; a few extreme ones would leave the rest dark.
MOST = 99.5
# Even steps of lightness, for colour-blind readers and for prints without colour.
COLORMAP = "cividis"
ALT = "In rows, a label map, its photograph, several samples of one method and how far they differ in each pixel"


@dataclass(frozen=True)
class Several:
    """The samples of a label map by one run: those shown, and the spread over all of them (None below two)."""

    example: Example
    heading: str
    run: str
    shown: Sequence[np.ndarray | None]
    seeds: Sequence[int]
    count: int
    spread: np.ndarray | None


def samples(material: Material) -> list[Drawing]:
    """A figure for all runs of the same label maps that have several samples of each.

    Raises NothingToDraw where none has; runs with one are left out with a line.
    """
    drawn = [made for each in picture_sets("samples", material, EXAMPLES) if (made := _drawn(each)) is not None]
    if not drawn:
        raise NothingToDraw("figure samples: no run with two samples of a label map; `sdm-bench generate --seeds 0-3`")
    return drawn


def spread_of(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """float64 (H, W): the standard deviation over uint8 pictures (H, W, 3) in each pixel, as the mean over channels."""
    spread: np.ndarray = np.std(np.stack(pictures).astype(np.float64), axis=0, ddof=1).mean(axis=2)
    return spread


def _drawn(of: PictureSet) -> Drawing | None:
    several = [
        _several(example, pictured, heading)
        for example in of.examples
        for pictured, heading in zip(of.pictured, of.headings, strict=True)
        if len(pictured.seeds) > 1
    ]
    for pictured, heading in zip(of.pictured, of.headings, strict=True):
        if len(pictured.seeds) < 2:
            say(f"{of.name}: {heading} left out: one sample of each label map")
    spreads = [each.spread for each in several if each.spread is not None]
    if not spreads:
        return None
    highest = max(1.0, float(np.percentile(np.concatenate([spread.ravel() for spread in spreads]), MOST)))
    most = max(len(each.shown) for each in several)
    seeds = next(each.seeds for each in several if len(each.shown) == most)
    same = all(list(each.seeds) == list(seeds)[: len(each.seeds)] for each in several)
    headings = ["label map", *(["photograph"] if of.photographs else [])]
    headings += [f"seed {seeds[place]}" if same else f"sample {place + 1}" for place in range(most)]
    first = [place == 0 or several[place - 1].example is not each.example for place, each in enumerate(several)]
    rows = [
        [*(_given(each.example, of) if new else [BLANK] * len(_given(each.example, of))), *_made(each, most, highest)]
        for each, new in zip(several, first, strict=True)
    ]
    bar = Bar(COLORMAP, "standard deviation over samples, of 255", highest)
    with styled():
        names = [each.heading for each in several]
        given = 2 if of.photographs else 1
        figure = draw_sheet(Sheet(rows, [*headings, "spread"], names, given, of.legend, bar))
    return Drawing(of.name, figure, pd.DataFrame([_record(each) for each in several]), ALT)


def _several(example: Example, pictured: Pictured, heading: str) -> Several:
    seeds = pictured.seeds
    pictures = list(samples_of(pictured, example, seeds))
    there = [picture for picture in pictures if picture is not None]
    spread = spread_of(there) if len(there) > 1 else None
    run = pictured.name
    return Several(example, heading, run, pictures[:SHOWN], seeds[:SHOWN], len(there), spread)


def _given(example: Example, of: PictureSet) -> list[np.ndarray | None]:
    photograph = [example.image] if of.photographs else []
    return [colorize(example.label, of.classes.colors), *photograph]


def _made(each: Several, most: int, highest: float) -> list[np.ndarray | None]:
    blank = [BLANK] * (most - len(each.shown))
    spread = None if each.spread is None else mpl.colormaps[COLORMAP](each.spread / highest, bytes=True)[..., :3]
    return [*each.shown, *blank, spread]


def _record(each: Several) -> dict[str, object]:
    spread = each.spread
    return {
        "id": each.example.id,
        "row": each.heading,
        "run": each.run,
        "seeds_shown": " ".join(map(str, each.seeds)),
        "samples": each.count,
        "mean_spread": float("nan") if spread is None else float(spread.mean()),
        "highest_spread": float("nan") if spread is None else float(spread.max()),
    }
