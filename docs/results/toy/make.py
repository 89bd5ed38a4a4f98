"""Where the paper's story shows on the toy datasets: python docs/results/toy/make.py FOLDER

FOLDER is that of the suite `toy` or of a part of it. Writes, beside this file, differences.csv (95 % intervals of a
paired bootstrap over the label maps), story.md, a line a claim and a column a dataset, and features.npz, Inception's
features of one sample set and its photographs in float16, from which its FID can be computed again.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from reports.names import dataset_name, method_name
from reports.terminal import differences_frame
from sdm_bench.base.devices import pick_device
from sdm_bench.base.files import write_text
from sdm_bench.evaluation.context import EvaluationContext
from sdm_bench.evaluation.differences import Comparison, Difference, differences
from sdm_bench.evaluation.evaluate import Evaluation, open_samples
from sdm_bench.evaluation.extractors import extractor_of
from sdm_bench.evaluation.metric import metric
from sdm_bench.models.methods import METHODS
from sdm_bench.protocols.protocols import DEFAULT, protocol
from sdm_bench.results.rows import RESULTS_FILE

HERE = Path(__file__).parent
DATASETS = ("cityscapes", "ade20k", "celebamask_hq", "coco_stuff", "faces")
GANS = [name for name, each in METHODS.items() if each.kind == "gan"]
METRICS = ("fid", "lpips", "miou")
# Whose features are kept.
KEPT = ("ade20k", "sdm.guidance-1.5")


class Claim(NamedTuple):
    """What the paper says of a pair: which metric of the second is lower (-1) or higher (1) than of the first."""

    text: str
    metric: str
    sign: int
    first: str
    second: str


PLAIN, GUIDED = "sdm.guidance-1.0", "sdm.guidance-1.5"
CONCAT, CONCAT_GUIDED = "sdm-concat.guidance-1.0", "sdm-concat.guidance-1.5"
CLAIMS = (
    Claim("SPADE conditioning has a higher mIoU than concatenation", "mIoU", 1, CONCAT, PLAIN),
    Claim("SPADE conditioning has a lower FID than concatenation", "FID", -1, CONCAT, PLAIN),
    Claim("The same with guidance: mIoU", "mIoU", 1, CONCAT_GUIDED, GUIDED),
    Claim("The same with guidance: FID", "FID", -1, CONCAT_GUIDED, GUIDED),
    Claim("Guidance lowers FID", "FID", -1, PLAIN, GUIDED),
    Claim("Guidance lowers diversity", "LPIPS", -1, PLAIN, GUIDED),
    *(Claim(f"Guided SDM has a lower FID than {method_name(name)}", "FID", -1, name, GUIDED) for name in GANS),
    *(Claim(f"Guided SDM is more diverse than {method_name(name)}", "LPIPS", 1, name, GUIDED) for name in GANS),
)


def folder_of(suite: Path, dataset: str, which: str) -> Path:
    """The samples of the training seed 0."""
    return suite / "runs" / f"{dataset}.{which}.seed-0"


def measured(suite: Path, dataset: str) -> Iterator[tuple[list[Claim], list[Difference]]]:
    """Claims of a pair and all its differences, of the samples that are there."""
    (segmenter,) = (suite / "trained").glob(f"{dataset}.unet")
    for first in dict.fromkeys(claim.first for claim in CLAIMS):
        claims = [claim for claim in CLAIMS if claim.first == first]
        folders = [folder_of(suite, dataset, each) for each in (first, claims[0].second)]
        if not all((each / RESULTS_FILE).is_file() for each in folders):
            continue
        sets = [Evaluation(METRICS, run=each) for each in folders]
        yield claims, differences(Comparison(sets, METRICS, segmenter=str(segmenter), resamples=400))


def verdict(claim: Claim, found: Difference) -> str:
    """Whether the interval lies on the claim's side, on the other, or on both."""
    low, high = sorted((claim.sign * found.difference.low, claim.sign * found.difference.high))
    word = "yes" if low > 0 else "no" if high < 0 else "open"
    value, start, end = (f"{each:+z.{found.digits}f}" for each in found.difference)
    return f"{word}: {value} ({start} to {end})"


def main(suite: Path) -> None:
    """Measures and writes."""
    frames, story = [], {claim.text: dict[str, str]() for claim in CLAIMS}
    for dataset in DATASETS:
        if not (suite / "trained" / f"{dataset}.unet").exists():
            continue
        for claims, found in measured(suite, dataset):
            frames.append(differences_frame(found).assign(dataset=dataset))
            for claim in claims:
                each = next(each for each in found if each.metric == claim.metric)
                story[claim.text][dataset_name(dataset)] = verdict(claim, each)
    if (folder_of(suite, *KEPT) / RESULTS_FILE).is_file():
        np.savez_compressed(HERE / "features.npz", **features(suite))
    write_text(HERE / "differences.csv", pd.concat(frames).to_csv(index=False))
    write_text(HERE / "story.md", "\n".join(lines(story)))


def features(suite: Path) -> dict[str, np.ndarray]:
    """float16 (N, 2048) of the photographs, `real`, and of the samples of each seed, `seed-0` and on."""
    asked = Evaluation(["fid"], run=folder_of(suite, *KEPT))
    samples, dataset = open_samples(asked)
    chosen = protocol(DEFAULT)
    section = metric("fid").stated(chosen, dataset.kind)
    context = EvaluationContext(samples, dataset, chosen, "fid", section, pick_device("cpu"))
    extractor = extractor_of(context, section.extractor, section.resize)
    sources = {"real": context.photographs(section.real_recipe)}
    sources |= {f"seed-{seed}": source for seed, source in context.groups().items()}
    return {name: context.features(source, extractor).astype(np.float16) for name, source in sources.items()}


def lines(story: dict[str, dict[str, str]]) -> Iterator[str]:
    """A Markdown table of the claims that anything was measured of."""
    datasets = list(dict.fromkeys(dataset for cells in story.values() for dataset in cells))
    yield from (f"| claim | {' | '.join(datasets)} |", f"| --- |{' --- |' * len(datasets)}")
    for text, cells in story.items():
        if cells:
            yield f"| {text} | {' | '.join(cells.get(dataset, '') for dataset in datasets)} |"
    yield ""


if __name__ == "__main__":
    main(Path(sys.argv[1]))
