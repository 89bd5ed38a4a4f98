"""In what sets of pictures of the same label maps differ, from Python."""

from collections.abc import Sequence

import pandas as pd

from sdm_bench.api.arguments import naming_arguments
from sdm_bench.api.pictures import Place
from sdm_bench.api.rows import asked
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.evaluation.differences import Comparison, differences
from sdm_bench.protocols.protocols import DEFAULT


@naming_arguments
def difference(
    sets: Sequence[Place],
    dataset: SemanticDataset | None = None,
    metrics: str | Sequence[str] = "fid",
    protocol: str = DEFAULT,
    *,
    seeds: Sequence[int] | None = None,
    segmenter: str | None = None,
    resamples: int = 200,
    device: str = "auto",
) -> pd.DataFrame:
    """In what further sets differ from the first, with 95 % intervals, as `sdm-bench difference` measures it.

    sets: two or more of what `evaluate` takes as pictures, of the same label maps. dataset: an open split, of runs by
    default the one they were sampled on. metrics: of `fid`, `lpips`, `miou`. resamples: of the paired bootstrap over
    label maps. Returns a line a metric and further set: metric, first, second, first_value, second_value, difference,
    low, high, examples. Raises UserError for sets that don't pair.

    >>> import sdm_bench as sb
    >>> from PIL import Image
    >>> from pathlib import Path
    >>> sb.write_toy("cityscapes", "scenes", {"val": 4}, size=(32, 64))
    >>> scenes = sb.datasets.open("cityscapes", "scenes")
    >>> for name, levels in (("whole", 256), ("coarse", 4)):
    ...     Path(name).mkdir()
    ...     for scene in scenes:
    ...         pixels = scene.image // (256 // levels) * (256 // levels)
    ...         Image.fromarray(pixels).save(f"{name}/{scene.id}.png")
    >>> found = sb.difference(["whole", "coarse"], scenes, metrics="miou", segmenter="toy")
    >>> found[["metric", "first", "second"]].to_dict("list")
    {'metric': ['mIoU'], 'first': ['whole'], 'second': ['coarse']}
    >>> bool((found.low < found.difference).all())
    True
    """
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    given = [asked(each, dataset, names, seeds=seeds) for each in sets]
    found = differences(Comparison(given, names, protocol, segmenter, resamples, device=device))
    return pd.DataFrame(
        {
            "metric": each.metric,
            "first": each.first,
            "second": each.second,
            "first_value": each.first_value,
            "second_value": each.second_value,
            **each.difference._asdict(),
            "examples": each.examples,
        }
        for each in found
    ).rename(columns={"value": "difference"})
