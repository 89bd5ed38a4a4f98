"""Pictures drawn on the way: what a method makes of a few held-out label maps."""

import numpy as np

from sdm_bench.base.drawing import colorize, grid, to_uint8
from sdm_bench.base.errors import UserError
from sdm_bench.base.finite import refuse_pictures
from sdm_bench.checkpoints.runs import TrainOptions
from sdm_bench.conditioning import Condition
from sdm_bench.datasets.base import Example, SemanticDataset
from sdm_bench.datasets.transforms import Resized, Transform
from sdm_bench.models import methods
from sdm_bench.sampling.synthesizers import SamplingOptions, make_synthesizer, sample_generator
from sdm_bench.training.loop import MakeGrid
from sdm_bench.training.objective import Objective

EXAMPLES = 4
STEPS = 25  # of a solver, at most
SIDE = 256  # pixels that smaller pictures are enlarged towards


def sample_grid(options: TrainOptions, dataset: SemanticDataset) -> MakeGrid:
    """Draws label map, photograph and sample of a few held-out (or, without any, training) examples."""
    examples = held_out_examples(options, dataset)
    condition = Condition.of(examples, len(dataset.classes))
    config = methods.network_config(options.method, options.network)
    chosen = options.sampling
    steps = None if chosen.solver_steps is None else min(chosen.solver_steps, STEPS)
    sampling = SamplingOptions(chosen.solver, steps, guidance=1.0)

    def make_grid(objective: Objective) -> np.ndarray:
        network, _ = objective.result()
        training = network.training
        device = objective.accelerator.device
        synthesizer = make_synthesizer(options.method, network, config, options.diffusion, sampling, device)
        generators = [sample_generator(example.id, 0) for example in examples]
        pictures = synthesizer.synthesize(condition, generators).numpy()
        refuse_pictures(pictures, [example.id for example in examples])
        samples = to_uint8(pictures)
        network.train(training)
        rows = []
        for example, sample in zip(examples, samples, strict=True):
            photograph = [] if example.image is None else [example.image]
            rows.append([colorize(example.label, dataset.classes.colors), *photograph, sample])
        return grid(rows, scale=max(1, SIDE // max(condition.size)))

    return make_grid


def held_out_examples(options: TrainOptions, dataset: SemanticDataset) -> list[Example]:
    """A few examples of the val split at the run's size; of `dataset` itself where there is no val split."""
    transform = Transform(options.training.recipe, options.image_size, dataset.keeps_aspect, training=False)
    try:
        held_out = type(dataset)(dataset.root, "val")
    except UserError:
        held_out = dataset
    resized = Resized(held_out, transform)
    return [resized[index] for index in range(min(EXAMPLES, len(resized)))]
