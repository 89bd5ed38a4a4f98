"""UPerNet: its toy size, the names of its two files' entries, and the average over several sizes."""

import torch

from sdm_bench.weights.registry import registry
from segmenters.architectures import architecture, released_files, released_names
from segmenters.picture_segmenter import mean_probabilities
from segmenters.upernet import from_released, to_released, upernet
from tests.segmenters.toys import half_megabytes, toy, trained_step


def test_the_toy_is_small_and_every_weight_learns() -> None:
    network = toy("upernet101", "coco_stuff", 182)
    assert half_megabytes(network) < 3
    scores, untouched = trained_step(network)
    assert scores.shape == (2, 182, 32, 64)
    assert untouched == []


def test_released_keys_are_those_of_an_encoder_and_a_decoder() -> None:
    ours = upernet(7, depth=50, base_channels=1, channels=2).state_dict()
    released = to_released(ours)
    assert {key.split(".")[0] for key in released} == {"encoder", "decoder"}
    unused = {"encoder.bn1._running_iter": torch.ones(1), "decoder.conv_last.0.1._tmp_running_var": torch.ones(2)}
    assert from_released(released | unused).keys() == ours.keys()
    assert all(from_released(released)[key] is value for key, value in ours.items())


def test_every_released_file_is_in_the_registry() -> None:
    files = {name: released_files(name) for name in released_names()}
    assert set(files["ade20k-upernet101"].values()) == {"encoder.", "decoder."}
    assert files["celebamask-hq-unet"] == {"celebamask-hq-unet": ""}
    assert {file for each in files.values() for file in each} <= set(registry())
    assert architecture("upernet101").preprocessing == "csail"


def test_probabilities_are_averaged_after_every_pass_is_resized() -> None:
    """Passes with scores 0 and log 1, and 0 and log 3, for the two classes: (1/2 + 3/4) / 2."""
    passes = [
        torch.tensor([1.0, second]).log()[None, :, None, None].expand(1, 2, side, side)
        for second, side in ((1.0, 4), (3.0, 8))
    ]
    found = mean_probabilities(passes, (5, 6))
    assert found.shape == (1, 2, 5, 6)
    torch.testing.assert_close(found[0, 1], torch.full((5, 6), 0.625))
