"""GroupDNet's generator and encoder, beyond what the parity cases fix."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sdm_bench.conditioning import Condition
from sdm_bench.models.groupdnet import GroupDNetConfig, GroupDNetGenerator, class_crops
from tests.models.conditions import condition

CLASSES = 4
CONFIG = GroupDNetConfig(
    num_classes=CLASSES,
    edges=True,
    upsampling="normal",
    ngf=4,
    widest=2,
    z_per_class=3,
    first_per_class=2,
    groups=(0, 0, 2, 2, 2, 1, 1, 1),
    modulation="class-group",
    nef=1,
    encoder_depth=4,
)


def noises(*seeds: int) -> list[torch.Generator]:
    """A generator a seed."""
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def network(**changes: object) -> GroupDNetGenerator:
    """A network in evaluation mode, always with the same weights."""
    torch.manual_seed(0)
    return GroupDNetGenerator(CONFIG.model_copy(update=changes)).eval()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"modulation": "class", "first_per_class": None, "upsampling": "more"},
        {"modulation": "group", "hidden": 6, "edges": False, "norm": "instance", "spectral": False},
    ],
)
def test_the_picture_has_the_size_of_the_label_map_and_is_in_range(changes: dict) -> None:
    model, given = network(**changes), condition(2, CLASSES, 64, 128)
    with torch.no_grad():
        picture = model(given, model.latent(given, noises(1, 2))).picture
    assert picture.shape == (2, 3, 64, 128)
    assert picture.abs().max() <= 1


def test_noise_is_a_samples_own_and_spreads_its_pictures() -> None:
    model, both = network(), condition(2, CLASSES, 64, 64)
    second = Condition(both.label[1:], None, CLASSES, both.keep[1:])
    together, alone = model.latent(both, noises(1, 2)), model.latent(second, noises(2))
    assert isinstance(together, Tensor)
    assert isinstance(alone, Tensor)
    assert together.shape == (2, CLASSES * 3, 2, 2)
    assert torch.equal(together[1:], alone)
    with torch.no_grad():
        assert not torch.equal(model(both, together).picture, model(both, -together).picture)


def test_a_style_is_encoded_class_by_class() -> None:
    model, given = network(), condition(1, CLASSES, 64, 64, styled=True)
    assert given.style is not None
    chosen = int(given.label[0, 0, 0])
    other = torch.where((given.label == chosen)[:, None], given.style.flip(1), given.style)
    latent = model.latent(given, noises(1))
    with torch.no_grad():
        before, after = model(given, latent), model(replace(given, style=other), latent)
        sampled = model(replace(given, style=None), latent)
    assert sampled.posteriors == ()
    assert not torch.equal(before.picture, sampled.picture)
    for one, another in zip(before.posteriors[0], after.posteriors[0], strict=True):
        changed = [not torch.equal(a, b) for a, b in zip(one.split(3, dim=1), another.split(3, dim=1), strict=True)]
        assert changed == [number == chosen for number in range(CLASSES)]


def test_the_first_block_keeps_classes_apart() -> None:
    model, given = network(), condition(1, CLASSES, 64, 64)
    latent = model.latent(given, noises(1))
    assert isinstance(latent, Tensor)
    changed = latent.clone()
    changed[:, 3:6] += 1
    shown: list[Tensor] = []
    model.head_0.register_forward_hook(lambda module, inputs, output: shown.append(output))
    with torch.no_grad():
        model(given, latent)
        model(given, changed)
    differs = (shown[0] != shown[1]).any(3).any(2)[0]
    assert differs.tolist() == [False, False, True, True, False, False, False, False]


def test_crops_are_bounding_boxes_resized_to_nearest_values() -> None:
    label = torch.zeros(2, 13, 22, dtype=torch.long)
    label[0, 3:8, 5:16] = 2
    label[0, 5:13, 10:12] = 1
    picture = torch.rand(2, 3, 13, 22, generator=noises(3)[0]) - 2
    expected = torch.zeros(2, 4, 3, 16, 32)
    for item in range(2):
        for number in label[item].unique():
            rows, columns = (label[item] == number).nonzero().T
            masked = picture[item] * (label[item] == number)
            box = masked[:, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
            expected[item, number] = F.interpolate(box[None], size=(16, 32), mode="nearest")[0]
    assert torch.equal(class_crops(picture, label, 4, (16, 32)), expected.flatten(1, 2))


def test_all_parameters_train_but_the_spare_block() -> None:
    model = network(groups=(0, 0, 2, 2, 2, 1, 1, 1, 1), spare_block=True).train()
    given = condition(2, CLASSES, 64, 64, styled=True)
    model(given, model.latent(given, noises(1, 2))).picture.square().sum().backward()
    untrained = {name.split(".")[0] for name, parameter in model.named_parameters() if parameter.grad is None}
    assert untrained == {"up_4"}
    assert not any(parameter.requires_grad for parameter in model.up_4.parameters())
