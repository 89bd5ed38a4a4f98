"""Pictures drawn on the way: what a method makes of a few held-out label maps."""

import numpy as np

from sdm_bench.conditioning import Condition
from sdm_bench.datasets.base import Example, SemanticDataset
from sdm_bench.datasets.catalog import dataset_class
from sdm_bench.datasets.transforms import Resized, Transform
from sdm_bench.drawing import colorize, grid, to_uint8
from sdm_bench.errors import UserError
from sdm_bench.models import catalog
from sdm_bench.synthesizers import SamplingOptions, make_synthesizer, sample_generator
from sdm_bench.training.loop import MakeGrid
from sdm_bench.training.objective import Objective
from sdm_bench.training.runs import TrainOptions

EXAMPLES = 4
STEPS = 25
SIDE = 256


def sample_grid(options: TrainOptions, dataset: SemanticDataset) -> MakeGrid:
    """Draws label map, photograph and sample of a few held-out (or, without any, training) examples."""
    examples = held_out_examples(options, dataset)
    condition = Condition.of(examples, len(dataset.classes))
    config = catalog.network_config(options.method, options.network)
    chosen = options.sampling
    steps = None if chosen.solver_steps is None else min(chosen.solver_steps, STEPS)
    sampling = SamplingOptions(chosen.solver, steps, guidance=1.0)

    def make_grid(objective: Objective) -> np.ndarray:
        network, _ = objective.result()
        training = network.training
        device = objective.accelerator.device
        synthesizer = make_synthesizer(options.method, network, config, options.diffusion, sampling, device)
        generators = [sample_generator(example.id, 0) for example in examples]
        samples = to_uint8(synthesizer.synthesize(condition, generators).numpy())
        network.train(training)
        rows = [
            [colorize(example.label, dataset.classes.colors), *_photograph(example), sample]
            for example, sample in zip(examples, samples, strict=True)
        ]
        return grid(rows, scale=max(1, SIDE // max(condition.size)))

    return make_grid


def _photograph(example: Example) -> list[np.ndarray]:
    return [] if example.image is None else [example.image]


def held_out_examples(options: TrainOptions, dataset: SemanticDataset) -> list[Example]:
    """A few examples of the val split at the run's size; of `dataset` itself where there is no val split."""
    transform = Transform(options.training.recipe, options.image_size, dataset.keeps_aspect, training=False)
    try:
        held_out = dataset_class(options.dataset)(dataset.root, "val")
    except UserError:
        held_out = dataset
    resized = Resized(held_out, transform)
    return [resized[index] for index in range(min(EXAMPLES, len(resized)))]
