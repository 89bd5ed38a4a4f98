"""Weights files and the JSON beside them."""

from pathlib import Path

import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import sha256_file
from sdm_bench.checkpoints.weights_file import WeightsAbout, read_weights, write_weights

ABOUT = WeightsAbout(method="sdm", dataset="cityscapes", network={"a": 1}, image_size=(32, 64))


def test_weights_and_their_description_round_trip(tmp_path: Path) -> None:
    tensors = {"w": torch.tensor([1.0, 2.5]), "count": torch.tensor(3)}
    write_weights(tmp_path / "w.safetensors", tensors, ABOUT, half=True)
    read, about = read_weights(tmp_path / "w.safetensors")
    assert read["w"].dtype == torch.float32
    assert read["w"].tolist() == [1.0, 2.5]
    assert read["count"].dtype == torch.int64
    assert about is not None
    assert about.sha256 == sha256_file(tmp_path / "w.safetensors")
    assert about.network == {"a": 1}


def test_half_precision_halves_the_file(tmp_path: Path) -> None:
    tensors = {"w": torch.zeros(10_000)}
    for half in (True, False):
        write_weights(tmp_path / f"{half}.safetensors", tensors, ABOUT, half)
    sizes = [(tmp_path / f"{half}.safetensors").stat().st_size for half in (True, False)]
    assert sizes[1] - sizes[0] == 20_000


def test_a_bare_state_dict_has_no_description(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(1)}, tmp_path / "w.pt")
    assert read_weights(tmp_path / "w.pt") == ({"w": torch.ones(1)}, None)
    with pytest.raises(UserError, match=r"none\.pt: no such weights file"):
        read_weights(tmp_path / "none.pt")


def test_trainings_that_differ_in_more_than_their_seed_are_told_apart() -> None:
    def digest(stages: tuple[int, ...] = (), network: int = 1, **training: object) -> str:
        made = {"seed": 0, "preset": "toy", "training": {"batch_size": 8}, "init": "a", "perceptual": None}
        before = [{"steps": steps, "command": "c"} for steps in stages]
        about = ABOUT.model_copy(update={"training": made | training, "stages": before, "network": {"a": network}})
        return about.configuration_sha256

    assert digest(seed=1, init="b") == digest()
    others = [
        *(digest(network=2), digest(stages=(10,)), digest(stages=(20,)), digest(preset="paper"), digest(data="d")),
        *(digest(training={"batch_size": 4}), digest(perceptual="vgg"), digest(precision="bf16")),
    ]
    assert len({digest(), *others}) == len(others) + 1
