"""A model and label maps in, PNG files out: one random generator a sample, shards, resume.

`<folder>/samples/seed-000/<example id>.png` is a flat folder that any FID tool reads, one a seed; `run.json` beside
`samples/` holds everything that made them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdm_bench import __version__
from sdm_bench.conditioning import Condition
from sdm_bench.datasets.base import Example
from sdm_bench.datasets.transforms import Resized
from sdm_bench.drawing import to_uint8
from sdm_bench.errors import UserError
from sdm_bench.files import read_json, write_json, write_png
from sdm_bench.models.preset import Section
from sdm_bench.progress import say, track
from sdm_bench.synthesizers import Synthesizer, sample_generator

RUN_FILE = "run.json"
MAY_CHANGE = frozenset({"data", "weights"})
"""Where things lie, as opposed to what they are."""


class SampleOptions(Section):
    """Everything that decides the samples of a folder; a folder holds samples of one such set.

    stochastic: whether another seed gives another picture. style: `ground-truth` where the style of each example's own
    photograph was taken, None where it was drawn. data, weights: where the dataset and the network were, which may
    change.
    """

    method: str
    variant: str = ""
    dataset: str
    data: str
    split: str
    image_size: tuple[int, int]
    recipe: str
    stochastic: bool
    style: str | None = None
    weights: str
    weights_sha256: str
    training_steps: int = 0
    solver: str | None = None
    solver_steps: int | None = None
    guidance: float | None = None
    eta: float | None = None
    threshold: str | None = None
    precision: str = "no"

    @property
    def variant_title(self) -> str:
        """The variant, as every row says it; a style that looks at the truth is never left out."""
        return ", ".join(part for part in (self.variant, self.style and f"{self.style} style") if part)

    @property
    def solver_title(self) -> str:
        """The solver with whatever differs from its defaults, as tables name it."""
        further = (
            f"eta {self.eta:g}" if self.eta else "",
            self.threshold if self.threshold not in (None, "clip") else "",
            self.precision if self.precision != "no" else "",
        )
        return " ".join(part for part in (self.solver, *further) if part)


@dataclass(frozen=True)
class SampleFolder:
    """A folder of samples and its run.json."""

    folder: Path

    @property
    def exists(self) -> bool:
        """Whether anything was ever sampled here."""
        return (self.folder / RUN_FILE).is_file()

    def options(self) -> SampleOptions:
        """What made the samples."""
        if not self.exists:
            raise UserError(
                f"{self.folder}: no samples; expected {RUN_FILE} and samples/ as `sdm-bench generate` writes"
            )
        return SampleOptions(**read_json(self.folder / RUN_FILE)["options"])

    def seeds(self) -> list[int]:
        """The seeds that were asked for so far."""
        return read_json(self.folder / RUN_FILE)["seeds"] if self.exists else []

    def seed_folder(self, seed: int) -> Path:
        """The flat folder of one seed's pictures."""
        return self.folder / "samples" / f"seed-{seed:03d}"

    def sample(self, example_id: str, seed: int) -> Path:
        """The file of one sample."""
        return self.seed_folder(seed) / f"{example_id}.png"

    def start(self, options: SampleOptions, seeds: Sequence[int], command: str) -> None:
        """Writes run.json, or checks that samples already here were made the same way."""
        if self.exists:
            self._refuse_other(options)
        about = {
            "version": __version__,
            "command": command,
            "seeds": sorted({*self.seeds(), *seeds}),
            "options": options.model_dump(mode="json"),
        }
        write_json(self.folder / RUN_FILE, about)

    def _refuse_other(self, options: SampleOptions) -> None:
        differing = self.options().differences(options, MAY_CHANGE)
        if differing:
            raise UserError(f"{self.folder} holds samples made otherwise:\n{differing}\nChoose another --out.")


def generate(
    synthesizer: Synthesizer,
    examples: Resized,
    options: SampleOptions,
    folder: Path,
    seeds: Sequence[int],
    command: str,
    batch_size: int = 8,
    shard: tuple[int, int] = (0, 1),
) -> int:
    """Writes the samples of every example and seed that are not there yet; returns how many were written.

    A sample depends on (weights, example id, seed, solver) alone. shard: (k, n), every n-th sample from the k-th on.
    """
    if not options.stochastic and len(seeds) > 1:
        say(f"{options.method} makes one picture a label map: sampling seed {seeds[0]} alone of {len(seeds)}")
        seeds = seeds[:1]
    target = SampleFolder(folder)
    target.start(options, seeds, command)
    ids = [record.id for record in examples.dataset.records]
    wanted = [(index, seed) for seed in seeds for index in range(len(ids))][shard[0] :: shard[1]]
    pending = [(index, seed) for index, seed in wanted if not target.sample(ids[index], seed).is_file()]
    done = len(wanted) - len(pending)
    if done:
        say(f"{folder}: {done} of {len(wanted)} samples are there")
    work = _synthesized(synthesizer, examples, pending, batch_size, options.style is not None)
    for example, seed, pixels in track(work, f"sampling {options.method}", len(wanted), done, "samples"):
        write_png(target.sample(example.id, seed), pixels)
    return len(pending)


def _synthesized(
    synthesizer: Synthesizer, examples: Resized, pending: list[tuple[int, int]], batch_size: int, styled: bool
) -> Iterator[tuple[Example, int, np.ndarray]]:
    """The pictures of `pending`, (example, seed, uint8 (H, W, 3)), made `batch_size` at a time.

    The last batch is filled up with copies, and a batch of one becomes two: libraries round differently for another
    number of samples, and on a CPU for a single one.
    """
    num_classes = len(examples.dataset.classes)
    full = max(batch_size, 2)
    for start in range(0, len(pending), batch_size):
        batch = pending[start : start + batch_size]
        filled = (batch * full)[:full]
        read = [examples[index] for index, _ in filled]
        generators = [sample_generator(example.id, seed) for example, (_, seed) in zip(read, filled, strict=True)]
        condition = Condition.of(read, num_classes, styled)
        pictures = to_uint8(synthesizer.synthesize(condition, generators).numpy())
        for example, (_, seed), picture in zip(read, batch, pictures, strict=False):
            yield example, seed, picture
