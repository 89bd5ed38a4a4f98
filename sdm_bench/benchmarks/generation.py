"""What `generate` spends on the network, and what on reading label maps and on writing pictures."""

import tempfile
from pathlib import Path

import pandas as pd
import torch
from torch import nn

from sdm_bench.base.background import in_background
from sdm_bench.base.devices import pick_device
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import write_png
from sdm_bench.base.progress import track
from sdm_bench.benchmarks.stopwatch import Stopwatch, shares
from sdm_bench.datasets.base import size_at
from sdm_bench.datasets.known_datasets import dataset_class, open_dataset
from sdm_bench.datasets.transforms import Resized, Transform
from sdm_bench.models import methods
from sdm_bench.sampling.generate import BATCH_SIZE, pictures_of
from sdm_bench.sampling.synthesizers import GANSynthesizer
from sdm_bench.toy import write_toy
from sdm_bench.training.recipes import resolve, seeded_initialisation

# network: its forward pass. writing: what sampling waits for the pictures' files; they are written beside it. rest:
# noise, one-hot maps, 8 bits.
PARTS = ("network", "reading", "writing", "rest")


def generation_shares(
    method: str,
    preset: str = "toy",
    dataset: str = "cityscapes",
    image_size: int | None = None,
    batch_size: int = BATCH_SIZE,
    batches: int = 5,
    device: str = "auto",
) -> pd.DataFrame:
    """A line for each part of the sampling of a GAN with random weights on toy scenes, as `generate` does it.

    image_size: short side in pixels, by default the preset's. Columns as `training_shares`, medians over `batches`
    after one that is not counted; CPU seconds are those of all threads, the writing ones included. Raises UserError for
    a diffusion model, whose steps `benchmark sampling` measures, and for less than one batch.
    """
    if batches < 1:
        raise UserError(f"--batches {batches}: expected at least 1")
    if methods.method(method).kind == "diffusion":
        raise UserError(
            f"--method {method}: a diffusion model; `benchmark sampling` measures its steps. Expected a GAN"
        )
    where = pick_device(device)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        write_toy(dataset, data, {"train": 1}, size_at(dataset_class(dataset).native_size, image_size or 32))
        options = resolve(method, dataset, data, preset, image_size)
        write_toy(dataset, data / "scenes", {"train": batch_size * (batches + 1)}, options.image_size)
        opened = open_dataset(dataset, data / "scenes", "train")
        with seeded_initialisation(0):
            network = methods.build_network(method, methods.network_config(method, options.network))
        synthesizer = GANSynthesizer(network.eval(), where)
        examples = Resized(
            opened, Transform(options.training.recipe, options.image_size, opened.keeps_aspect, training=False)
        )
        found = _timed(synthesizer, network, examples, Stopwatch(where, PARTS), batch_size, data / "samples", method)
    height, width = options.image_size
    return shares({"method": method, "preset": preset, "size": f"{height}x{width}", "batch": batch_size}, found)


def _timed(
    synthesizer: GANSynthesizer,
    network: nn.Module,
    examples: Resized,
    stopwatch: Stopwatch,
    batch_size: int,
    out: Path,
    method: str,
) -> dict[str, list[tuple[float, float]]]:
    """Seconds and CPU seconds of each batch but the first, by part."""
    network.register_forward_pre_hook(lambda *_: stopwatch.start("network"))
    network.register_forward_hook(lambda *_: stopwatch.stop())
    found: dict[str, list[tuple[float, float]]] = {part: [] for part in PARTS}
    starts = range(0, len(examples), batch_size)
    with in_background() as submit:
        for start in track(starts, f"timing {method}", len(starts), unit="batches"):
            stopwatch.reset()
            with stopwatch.part("reading"):
                read = [examples[index] for index in range(start, start + batch_size)]
            with torch.inference_mode(), stopwatch.part("rest"):
                pixels = pictures_of(synthesizer, read, 0, len(examples.dataset.classes))
            with stopwatch.part("writing"):
                for example, picture in zip(read, pixels, strict=True):
                    submit(write_png, out / f"{example.id}.png", picture)
            for part, seconds in stopwatch.seconds.items() if start else ():
                found[part].append(seconds)
    return found
