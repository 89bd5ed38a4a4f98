"""What stands in the gallery's columns: a run's samples, with the digests by which numbers of them are found."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reports.shown import title_of
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.results.rows import ResultRow
from sdm_bench.results.sample_sets import SampleSet, open_run, spell_seeds
from sdm_bench.sampling.folders import SampleFolder


@dataclass(frozen=True)
class Column:
    """A run's samples. title: different in each column of a gallery."""

    title: str
    target: SampleFolder
    samples: SampleSet

    @property
    def seeds(self) -> list[int]:
        """The seeds of which there are samples."""
        return sorted(self.samples.images)

    def digests(self, rows: Sequence[ResultRow]) -> frozenset[str]:
        """The digests of the samples, of all seeds and of those that any of `rows` is of alone."""
        chosen = {tuple(self.seeds)}
        for spelt in {row.seeds for row in rows}:
            seeds = tuple(seed for seed in self.seeds if seed in _seeds(spelt))
            if seeds and spell_seeds(seeds) == spelt:
                chosen.add(seeds)
        images = self.samples.images
        sets = [replace(self.samples, images={seed: images[seed] for seed in seeds}) for seeds in chosen]
        return frozenset(each.digest for each in sets)


def _seeds(spelt: str) -> frozenset[int]:
    """The seeds that `spell_seeds` spells so; none where it spells nothing so."""
    first, _, end = spelt.partition("-")
    if first.isdecimal() and end.isdecimal():
        return frozenset(range(int(first), int(end) + 1))
    parts = spelt.split(",")
    return frozenset(map(int, parts)) if all(part.isdecimal() for part in parts) else frozenset()


def open_columns(targets: Sequence[SampleFolder], dataset: SemanticDataset) -> list[Column]:
    """A column a folder; runs that are called alike are told apart by their folders' names, then by a number."""
    titles = [title_of(target.options()) for target in targets]
    told = [
        f"{title} ({target.folder.resolve().name})" if titles.count(title) > 1 else title
        for title, target in zip(titles, targets, strict=True)
    ]
    met: Counter[str] = Counter()
    columns = []
    for target, title in zip(targets, told, strict=True):
        met[title] += 1
        called = f"{title} {met[title]}" if told.count(title) > 1 else title
        columns.append(Column(called, target, open_run(target.folder, dataset, allow_incomplete=True)))
    return columns
