"""Which runs' samples are shown together: those of the same label maps at the same size."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from reports.lines import SHORT_DIGEST
from reports.names import method_name
from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import say
from sdm_bench.datasets.digests import labels_sha256
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.datasets.transforms import Resized, Transform
from sdm_bench.sampling.folders import SampleFolder, SampleOptions

GONE = "their data no longer have the label maps that the samples were made from"


class Shown(NamedTuple):
    """What pictures that stand side by side have in common. size: (height, width). labels_sha256: of label maps."""

    dataset: str
    split: str
    size: tuple[int, int]
    labels_sha256: str


def shown_together(folders: Sequence[Path]) -> dict[Shown, list[SampleFolder]]:
    """The folders of samples by what they are of."""
    groups: dict[Shown, list[SampleFolder]] = {}
    for folder in folders:
        target = SampleFolder(folder)
        options = target.options()
        shown = Shown(options.dataset, options.split, options.image_size, options.labels_sha256)
        groups.setdefault(shown, []).append(target)
    return groups


def file_name(shown: Shown, among: Sequence[Shown], stem: str, suffix: str) -> str:
    """`<stem><suffix>` for the only one, else `<stem>-<dataset>-<split>-<width>x<height><suffix>`.

    The first digits of the label maps' digest stand behind that where it isn't enough.
    """
    if len(among) == 1:
        return f"{stem}{suffix}"
    height, width = shown.size
    alike = [other for other in among if other[:3] == shown[:3]]
    behind = f"-{shown.labels_sha256[:SHORT_DIGEST]}" if len(alike) > 1 else ""
    return f"{stem}-{shown.dataset}-{shown.split}-{width}x{height}{behind}{suffix}"


def label_maps(shown: Shown, targets: Sequence[SampleFolder]) -> Resized | None:
    """The label maps that samples are of, at their size, from the first run's data that still has them; else None."""
    for data in dict.fromkeys(target.options().data for target in targets):
        try:
            dataset = open_dataset(shown.dataset, Path(data), shown.split)
            found = labels_sha256(dataset)
        except (UserError, OSError) as error:
            say(str(error))
            continue
        if found == shown.labels_sha256:
            transform = Transform(targets[0].options().recipe, shown.size, dataset.keeps_aspect, training=False)
            return Resized(dataset, transform)
    return None


def title_of(options: SampleOptions) -> str:
    """What a column of samples is headed with."""
    guided = options.guidance is not None and (options.guidance_by is not None or options.guidance > 1)
    name = method_name(options.method)
    solver = options.solver and f"{options.solver_title} {options.solver_steps}"
    return " ".join(filter(None, [name, options.variant_title, solver, f"s={options.guidance:g}" if guided else ""]))
