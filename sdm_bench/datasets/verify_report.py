"""What reading a whole dataset found, as data and as text."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

NAMED = 6


@dataclass(frozen=True)
class Problem:
    """Something that makes a file or its example unusable.

    kind: missing, duplicate, unreadable, colour (a map with colour channels), size, ids, encoding (of a split's label
    maps) or instances (they contradict the label map).
    """

    split: str
    file: Path
    kind: str
    message: str


@dataclass(frozen=True)
class Remark:
    """Something unexpected that harms nothing by itself; an empty split means the whole dataset."""

    split: str
    message: str


@dataclass(frozen=True)
class Summary:
    """What one split holds; sizes are (width, height) and the number of readable files that have it.

    instance_maps: None where the dataset has no such files.
    """

    split: str
    examples: int
    photographs: int
    instance_maps: int | None
    label_sizes: Counter[tuple[int, int]]
    photo_sizes: Counter[tuple[int, int]]

    def line(self) -> str:
        """The summary in a line."""
        counts = [counted(self.examples, "example"), counted(self.photographs, "photograph")]
        if self.instance_maps is not None:
            counts.append(counted(self.instance_maps, "instance map"))
        sizes = [f"label maps {_sizes(self.label_sizes)}"] if self.label_sizes else []
        if self.photo_sizes and self.photo_sizes != self.label_sizes:
            sizes.append(f"photographs {_sizes(self.photo_sizes)}")
        return "; ".join([f"{self.split}: {', '.join(counts)}", *sizes])


@dataclass
class Report:
    """Everything that was found below `root`; `absent` names the splits that are not there."""

    name: str
    root: Path
    splits: list[Summary] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Remark] = field(default_factory=list)
    absent: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there are no problems; warnings do not count."""
        return not self.problems

    def lines(self) -> list[str]:
        """The report as lines of text: splits, warnings, problems and the verdict."""
        return [
            f"{self.name} in {self.root}",
            *(summary.line() for summary in self.splits),
            *(f"{split}: not there" for split in self.absent),
            *(f"warning: {_prefix(remark.split)}{remark.message}" for remark in self.warnings),
            *(f"problem: {p.split}: {self._relative(p.file)}: {p.message}" for p in self.problems),
            self._verdict(),
        ]

    def _relative(self, path: Path) -> Path:
        return path.relative_to(self.root) if path.is_relative_to(self.root) else path

    def _verdict(self) -> str:
        warnings = f", {counted(len(self.warnings), 'warning')}" if self.warnings else ""
        if self.ok:
            return f"ok: {counted(sum(summary.examples for summary in self.splits), 'example')}{warnings}"
        kinds = Counter(problem.kind for problem in self.problems)
        detail = ", ".join(f"{kind} {count}" for kind, count in kinds.items())
        return f"failed: {counted(len(self.problems), 'problem')} ({detail}){warnings}"


def counted(number: int, noun: str) -> str:
    """`1 example`, `2 examples`, `no examples`."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def listed(values: Sequence[object]) -> str:
    """The first few of `values` and how many more there are."""
    more = f" and {len(values) - NAMED} more" if len(values) > NAMED else ""
    return ", ".join(map(str, values[:NAMED])) + more


def _prefix(split: str) -> str:
    return f"{split}: " if split else ""


def _sizes(sizes: Counter[tuple[int, int]]) -> str:
    ordered = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    return listed([f"{width}x{height} ({count})" for (width, height), count in ordered])
