"""Which pictures are shown together: those of the same label maps at the same size."""

from collections.abc import Sequence

from reports.lines import SHORT_DIGEST
from reports.pictured import Pictured, Shown
from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import say
from sdm_bench.datasets.digests import labels_sha256
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.datasets.transforms import DEFAULT_RECIPE, Resized, Transform

GONE = "their data no longer have the label maps that the pictures were made from"


def shown_together(pictured: Sequence[Pictured]) -> dict[Shown, list[Pictured]]:
    """The pictures by what they are of."""
    groups: dict[Shown, list[Pictured]] = {}
    for each in pictured:
        groups.setdefault(each.shown, []).append(each)
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


def label_maps(shown: Shown, pictured: Sequence[Pictured]) -> Resized | None:
    """The label maps that pictures are of, at their size, from the first one's data that still has them; else None."""
    for data in dict.fromkeys(each.data for each in pictured):
        try:
            dataset = open_dataset(shown.dataset, data, shown.split)
            found = labels_sha256(dataset)
        except (UserError, OSError) as error:
            say(str(error))
            continue
        if found == shown.labels_sha256:
            recipe = next(filter(None, (each.recipe for each in pictured)), DEFAULT_RECIPE)
            transform = Transform(recipe, shown.size, dataset.keeps_aspect, training=False)
            return Resized(dataset, transform)
    return None
