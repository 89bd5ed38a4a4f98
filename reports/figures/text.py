"""Text that is measured before it is drawn, so that no two headings meet, and headings that differ."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

FAMILY = "DejaVu Sans"
# Text is measured at this many pixels an inch, where hinting moves it least.
FINE = 720.0


@lru_cache(maxsize=1)
def _renderer():  # type: ignore[no-untyped-def]
    return FigureCanvasAgg(Figure(figsize=(1, 1), dpi=FINE)).get_renderer()


@lru_cache(maxsize=4096)
def text_width(text: str, size: float) -> float:
    """The width of one line of text, in points; `size` of the font in points."""
    width, _, _ = _renderer().get_text_width_height_descent(text, FontProperties(family=FAMILY, size=size), False)
    return float(width) * 72 / FINE


def wrapped(text: str, width: float, size: float) -> list[str]:
    """The text in lines of at most `width` points, broken at spaces; a word that is longer is broken inside."""
    lines = [""]
    for word in text.split():
        for part in _pieces(word, width, size):
            longer = f"{lines[-1]} {part}".strip()
            if lines[-1] and text_width(longer, size) > width:
                lines.append(part)
            else:
                lines[-1] = longer
    return lines


def _pieces(word: str, width: float, size: float) -> list[str]:
    if text_width(word, size) <= width or len(word) < 2:
        return [word]
    fitting = [end for end in range(1, len(word)) if text_width(f"{word[:end]}-", size) <= width]
    end = max(fitting, default=1)
    return [f"{word[:end]}-", *_pieces(word[end:], width, size)]


def told_apart(titles: Sequence[str], details: Sequence[Mapping[str, str]]) -> list[str]:
    """The titles, each different: to those that are alike, what they differ in first is added, then a number.

    details: what may be said of each, in the order in which it is tried.
    """
    told = list(titles)
    for name in details[0] if details else ():
        for title, count in Counter(told).items():
            alike = [index for index, each in enumerate(told) if each == title]
            if count > 1 and len({details[index][name] for index in alike}) > 1:
                for index in alike:
                    value = details[index][name]
                    told[index] = f"{title}, {name} {value}" if value else title
    met: Counter[str] = Counter()
    numbered = []
    for title in told:
        met[title] += 1
        numbered.append(f"{title} ({met[title]})" if told.count(title) > 1 else title)
    return numbered
