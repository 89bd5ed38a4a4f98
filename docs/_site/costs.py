"""What the published configurations cost, computed of the networks themselves, which are built without memory."""

from collections.abc import Iterator

import torch
from torch import nn

from sdm_bench.checkpoints.matching import PresetMatch
from sdm_bench.models import methods
from sdm_bench.sampling.cost import evaluation_flop

DATASET = "ade20k"
# Of float32: weights, gradients and the two moments of Adam; an average of the weights is one more.
BYTES, AVERAGE = 16, 4


def table() -> str:
    """A line a method: parameters, operations of an evaluation, and the memory that a training holds at least."""
    lines = [
        "| method | parameters, M | discriminator, M | TFLOP of an evaluation | held in training, GB |",
        "| --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*lines, *map(_line, _matches())])


def _matches() -> Iterator[PresetMatch]:
    for name in methods.METHODS:
        yield PresetMatch.of(name, "paper", DATASET)


def _line(match: PresetMatch) -> str:
    network = match.network(encoder=True)
    generator, judge = _count(network), _discriminator(match)
    averaged = generator if match.preset.training.ema_decay else 0
    held = BYTES * (generator + judge) + AVERAGE * averaged
    diffusion = methods.method(match.method).kind == "diffusion"
    flop = f"{evaluation_flop(network, match.image_size) / 1e12:.2f}" if diffusion else ""
    cells = (f"{generator / 1e6:.1f}", f"{judge / 1e6:.1f}" if judge else "", flop, f"{held / 1e9:.1f}")
    return f"| {methods.method(match.method).title} | {' | '.join(cells)} |"


def _discriminator(match: PresetMatch) -> int:
    preset = match.preset.discriminator
    if preset is None:
        return 0
    with torch.device("meta"):
        return _count(methods.build_discriminator(preset, match.config))


def _count(network: nn.Module) -> int:
    return sum(each.numel() for each in network.parameters())
