"""What stands in the gallery's columns, with the digests of pictures by which numbers of them are found."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reports.pictured import Pictured
from sdm_bench.base.integers import integers_in
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.results.rows import ResultRow
from sdm_bench.results.sample_sets import SampleSet, spell_seeds


@dataclass(frozen=True)
class Column:
    """Pictures with all that is known of them. title: different in each column of a gallery."""

    title: str
    pictured: Pictured
    samples: SampleSet

    @property
    def seeds(self) -> list[int]:
        """The seeds of which there are samples."""
        return sorted(self.samples.images)

    def digests(self, rows: Sequence[ResultRow]) -> frozenset[str]:
        """The digests of the samples, of all seeds and of those that any of `rows` is of alone."""
        chosen = {tuple(self.seeds)}
        for spelt in {row.seeds for row in rows}:
            spelled = frozenset(integers_in(spelt) or ())
            seeds = tuple(seed for seed in self.seeds if seed in spelled)
            if seeds and spell_seeds(seeds) == spelt:
                chosen.add(seeds)
        images = self.samples.images
        sets = [replace(self.samples, images={seed: images[seed] for seed in seeds}) for seeds in chosen]
        return frozenset(each.digest for each in sets)


def open_columns(pictured: Sequence[Pictured], dataset: SemanticDataset) -> list[Column]:
    """A column each; those that are called alike are told apart by the names of their places, then by a number."""
    titles = [each.title() for each in pictured]
    told = [
        f"{title} ({each.name})" if titles.count(title) > 1 else title
        for title, each in zip(titles, pictured, strict=True)
    ]
    met: Counter[str] = Counter()
    columns = []
    for each, title in zip(pictured, told, strict=True):
        met[title] += 1
        called = f"{title} {met[title]}" if told.count(title) > 1 else title
        columns.append(Column(called, each, each.open(dataset)))
    return columns
