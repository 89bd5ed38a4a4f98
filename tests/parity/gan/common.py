"""What the parity handlers of all baselines share."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from sdm_bench.conditioning import Condition
from sdm_bench.models.gan import GANConfig
from sdm_bench.models.preset import DiscriminatorPreset
from sdm_bench.training import perceptual
from tests.parity.cases import Case, fill, keys_and_shapes, weight

Handler = tuple[Callable[[Case], bool], Callable[[Case], dict[str, Any]]]


def of(repository: str, *texts: str, first_key: str = "") -> Callable[[Case], bool]:
    """Whether a case is of `repository`, its source names any of `texts` and its first key starts with `first_key`."""

    def fits(case: Case) -> bool:
        source, table = case.about["source"], case.about.get("state_dict") or [[""]]
        named = not texts or any(text in source for text in texts)
        return source.startswith(f"{repository}@") and named and table[0][0].startswith(first_key)

    return fits


def built(case: Case, build: Callable[[], nn.Module], table: str = "state_dict") -> nn.Module | None:
    """The network with the case's weights, its keys and shapes checked; None where the case has nothing but keys."""
    with torch.device("cpu" if case.stored else "meta"):
        model = build()
    ours = dict(map(tuple_of, keys_and_shapes(model)))
    theirs = dict(map(tuple_of, case.about[table]))
    assert ours == theirs, f"keys or shapes differ: {sorted(set(ours.items()) ^ set(theirs.items()))[:6]}"
    if not case.stored:
        return None
    return fill(model, case.about[table]).train(case.about.get("mode") == "train")


def tuple_of(entry: list) -> tuple[str, tuple[int, ...]]:
    """A table's entry, hashable."""
    return entry[0], tuple(entry[1])


def kept(model: nn.Module, names: Iterable[str]) -> dict[str, Any]:
    """A dictionary that a forward pass fills with the outputs of the submodules that `after_<name>` names."""
    out: dict[str, Any] = {}
    for name in names:
        if name.startswith("after_"):
            keep = _keeper(out, name)
            model.get_submodule(name.removeprefix("after_")).register_forward_hook(keep)
    return out


def _keeper(out: dict[str, Any], name: str) -> Callable[..., None]:
    def keep(module: nn.Module, inputs: Any, output: Tensor) -> None:
        out[name] = output

    return keep


def condition_of(case: Case, config: GANConfig) -> Condition:
    """The case's label and instance maps; its labels are numbered as the authors' network sees them."""
    label = case.tensor("labels")
    instance = case.tensor("instances") if "instances" in case.inputs else None
    return Condition(label, instance, config.num_classes, torch.ones(len(label), dtype=torch.bool))


def grouped(case: Case, kind: str) -> list[list[Tensor]]:
    """The inputs `<kind><scale>.<layer>`, by scale and layer."""
    scales: dict[int, dict[int, Tensor]] = {}
    for name in case.inputs:
        if found := re.fullmatch(rf"{kind}(\d+)\.(\d+)", name):
            scales.setdefault(int(found[1]), {})[int(found[2])] = case.tensor(name)
    return [[layers[number] for number in sorted(layers)] for _, layers in sorted(scales.items())]


def numbered(case: Case, kind: str) -> list[Tensor]:
    """The inputs `<kind><number>`, by number."""
    found = [re.fullmatch(rf"{kind}(\d+)", name) for name in case.inputs]
    return [case.tensor(f"{kind}{number}") for number in sorted(int(each[1]) for each in found if each)]


def drawn_perceptual(case: Case, weights: DiscriminatorPreset) -> nn.Module:
    """The perceptual loss with drawn VGG19 weights: of the case's table of them, or of torchvision's own keys."""
    features = perceptual.features_of("vgg19")
    ours = features.state_dict()
    own = [[key, list(value.shape)] for key, value in ours.items()]
    table = next((case.about[name] for name in case.about if re.fullmatch("(?i)state_dict_.*vgg.*", name)), own)
    # The authors' slices end before the last layers, so that a table of theirs is shorter.
    pairs = list(zip(ours, table, strict=False))
    drawn = {key: torch.from_numpy(weight(name, tuple(shape))) for key, (name, shape) in pairs}
    assert all(drawn[key].shape == ours[key].shape for key in drawn), "shapes of the VGG differ"
    features.load_state_dict(ours | drawn)
    return perceptual.PerceptualLoss(features, weights.vgg_weights, perceptual.CUTS["vgg19"])
