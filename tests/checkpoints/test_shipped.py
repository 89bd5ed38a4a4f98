"""The checkpoints that ship with the program."""

import pytest

from sdm_bench.checkpoints.generators import load_generator
from sdm_bench.checkpoints.stored import shipped_weights
from sdm_bench.checkpoints.weights_file import read_weights

SHIPPED = ("sdm", "sdm-concat", "spade", "unet")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_checkpoints_are_small_and_say_how_they_were_made(name: str) -> None:
    path = shipped_weights(name)
    _, about = read_weights(path)
    assert path.stat().st_size <= 3_000_000
    assert about is not None
    assert (about.method, about.dataset) == (name, "cityscapes")
    assert about.command.startswith("sdm-bench ")
    assert about.steps
    assert about.seconds > 0
    assert about.version


@pytest.mark.parametrize("name", ["sdm", "sdm-concat"])
def test_the_shipped_diffusion_models_know_the_null_label(name: str) -> None:
    trained = load_generator("toy", name)
    assert trained.about.training["condition_dropout"] == 0.2
    assert trained.about.image_size == (32, 64)
