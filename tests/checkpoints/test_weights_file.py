"""Weights files and the JSON beside them."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import sha256_file
from sdm_bench.base.tensors import Tensors
from sdm_bench.checkpoints.generators import load_generator
from sdm_bench.checkpoints.weights_file import Bits, WeightsAbout, read_weights, write_weights

ABOUT = WeightsAbout(method="sdm", dataset="cityscapes", network={"a": 1}, image_size=(32, 64))


def test_weights_and_their_description_round_trip(tmp_path: Path) -> None:
    tensors = {"w": torch.tensor([1.0, 2.5]), "count": torch.tensor(3)}
    write_weights(tmp_path / "w.safetensors", tensors, ABOUT, bits=16)
    read, about = read_weights(tmp_path / "w.safetensors")
    assert read["w"].dtype == torch.float32
    assert read["w"].tolist() == [1.0, 2.5]
    assert read["count"].dtype == torch.int64
    assert about is not None
    assert about.sha256 == sha256_file(tmp_path / "w.safetensors")
    assert about.network == {"a": 1}


def test_fewer_bits_make_smaller_files(tmp_path: Path) -> None:
    tensors = {"w": torch.zeros(100, 100), "b": torch.zeros(100)}
    sizes = {bits: _stored(tmp_path / f"{bits}.safetensors", tensors, bits) for bits in (32, 16, 8)}
    # without the header, which says types and places of the tensors, and how they are packed
    assert sizes == {32: 4 * 10_100, 16: 2 * 10_100, 8: 10_000 + 4 * 100 + 2 * 100}


def _stored(path: Path, tensors: Tensors, bits: Bits) -> int:
    write_weights(path, tensors, ABOUT, bits)
    held = path.read_bytes()
    return len(held) - 8 - int.from_bytes(held[:8], "little")


def test_a_file_in_8_bits_reads_in_float32_within_half_a_scale(tmp_path: Path) -> None:
    tensors = {"w": torch.randn(7, 500, 3, generator=torch.Generator().manual_seed(0)), "count": torch.tensor(3)}
    write_weights(tmp_path / "w.safetensors", tensors, ABOUT, bits=8)
    read, about = read_weights(tmp_path / "w.safetensors")
    assert about is not None
    assert about.sha256 == sha256_file(tmp_path / "w.safetensors")
    assert read.keys() == tensors.keys()
    assert (read["w"].dtype, read["w"].shape, read["count"].item()) == (torch.float32, (7, 500, 3), 3)
    limit = tensors["w"].abs().amax(dim=(1, 2)) / 127 / 2
    assert ((read["w"] - tensors["w"]).abs().amax(dim=(1, 2)) <= limit * (1 + 1e-5)).all()
    # what was read is stored again without further loss
    write_weights(tmp_path / "again.safetensors", read, ABOUT, bits=8)
    torch.testing.assert_close(read_weights(tmp_path / "again.safetensors")[0]["w"], read["w"], rtol=1e-6, atol=0)


@pytest.mark.parametrize("bits", [16, 8])
def test_numbers_that_fewer_bits_cannot_hold_are_refused(tmp_path: Path, bits: Bits) -> None:
    for tensors in ({"b": torch.tensor([1e6])}, {"w": torch.tensor([[1.0], [torch.nan]]).repeat(1, 5000)}):
        with pytest.raises(
            UserError, match=rf"{next(iter(tensors))}: holds numbers that .* keep the weights in 32 bits"
        ):
            write_weights(tmp_path / "w.safetensors", tensors, ABOUT, bits)
    assert [*tmp_path.iterdir()] == []


def test_the_shipped_network_does_in_8_bits_what_it_does_in_16(tmp_path: Path) -> None:
    trained = load_generator("toy", "sdm")
    tensors, about = read_weights(Path(trained.source))
    assert about is not None
    write_weights(tmp_path / "sdm.safetensors", tensors, about, bits=8)
    packed = load_generator(tmp_path / "sdm.safetensors")
    draws = torch.Generator().manual_seed(0)
    pictures, labels = torch.randn(2, 3, 32, 64, generator=draws), torch.randint(35, (2, 8, 16), generator=draws)
    condition = nn.functional.one_hot(labels.repeat_interleave(4, 1).repeat_interleave(4, 2), 35).movedim(3, 1).float()
    condition = torch.cat([condition, torch.zeros(2, 1, 32, 64)], dim=1)
    with torch.inference_mode():
        full, less = (each.network(pictures, torch.tensor([100, 990]), condition)[:, :3] for each in (trained, packed))
    # of predictions of 1.1 (root mean square); measured 0.0026, and 0.0015 in the mean colour
    assert 0 < (full - less).square().mean().sqrt() < 0.005
    assert (full - less).mean(dim=(2, 3)).abs().max() < 0.003


def test_a_bare_state_dict_has_no_description(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(1)}, tmp_path / "w.pt")
    assert read_weights(tmp_path / "w.pt") == ({"w": torch.ones(1)}, None)
    with pytest.raises(UserError, match=r"none\.pt: no such weights file"):
        read_weights(tmp_path / "none.pt")


@pytest.mark.parametrize("size", ["[0, 64]", "[32, -1]", "[32, 1000000000]", '"x"'])
def test_a_description_of_no_size_is_refused(tmp_path: Path, size: str) -> None:
    write_weights(tmp_path / "w.safetensors", {"w": torch.ones(1)}, ABOUT, bits=32)
    described = (tmp_path / "w.json").read_text()
    changed = re.sub(r'"image_size": \[[^]]*\]', f'"image_size": {size}', described)
    assert changed != described
    (tmp_path / "w.json").write_text(changed)
    with pytest.raises(UserError, match=r"w\.json: does not describe the weights beside it: image_size"):
        read_weights(tmp_path / "w.safetensors")


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
