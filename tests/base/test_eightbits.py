"""Weights in 8 bits: what is kept, how far it moves, and files that are not what they say."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sdm_bench.base.eightbits import PACKED, SCALES, SMALL, pack, unpack
from sdm_bench.base.filekinds import RefusedFile
from sdm_bench.base.tensors import read_safetensors, read_tensors, write_safetensors


def test_rows_are_whole_numbers_times_a_scale() -> None:
    rows = torch.tensor([[127.0, -63.5, 0.4, 0.6], [0.0, 0.0, 0.0, 0.0], [-0.0254, 0.0127, 0.0, 0.0]])
    packed = pack({"w": rows.repeat(1, SMALL)})
    assert packed["w"].dtype == torch.int8
    # -63.5 and 63.5 lie in the middle, and go to the even number
    assert packed["w"][:, :4].tolist() == [[127, -64, 0, 1], [0, 0, 0, 0], [-127, 64, 0, 0]]
    torch.testing.assert_close(packed[SCALES], torch.tensor([1.0, 0.0, 0.0002]))
    expected = torch.tensor([[127.0, -64.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0], [-0.0254, 0.0128, 0.0, 0.0]])
    torch.testing.assert_close(unpack(packed, PACKED, "f")["w"], expected.repeat(1, SMALL))


def test_vectors_and_small_tensors_stay_in_float16_and_whole_numbers_as_they_are() -> None:
    held = {
        "bias": torch.full((SMALL + 1,), 1 / 3),
        "scalar": torch.tensor(0.5),
        "small": torch.full((SMALL // 4, 4), 1 / 3),
        "larger": torch.full((SMALL // 4 + 1, 4), 1 / 3),
        "steps": torch.full((2, SMALL), 70_000),
    }
    packed = pack(held)
    assert {name: value.dtype for name, value in packed.items()} == {
        **dict.fromkeys(("bias", "scalar", "small"), torch.float16),
        "larger": torch.int8,
        "steps": torch.int64,
        SCALES: torch.float32,
    }
    found = unpack(packed, PACKED, "f")
    assert found.keys() == held.keys()
    assert found["steps"][0, 0].item() == 70_000


def test_every_tensor_gets_its_own_scales_back() -> None:
    draws = torch.Generator().manual_seed(0)
    # in the order of neither their names nor their sizes
    held = {
        name: factor * torch.randn(*shape, SMALL, generator=draws)
        for name, factor, shape in (("b", 1.0, (3, 2)), ("a.1", 1e3, (2,)), ("a", 1e-6, (5,)))
    }
    found = unpack(dict(reversed(pack(held).items())), PACKED, "f")
    for name, tensor in held.items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=tensor.abs().max().item() / 254 * 1.0001)


def test_nothing_moves_by_more_than_half_a_scale_and_something_by_nearly_so_much() -> None:
    values = torch.linspace(-1, 1, 100_001).reshape(1, -1)
    packed = pack({"w": values})
    errors = (unpack(packed, PACKED, "f")["w"] - values).abs().max().item()
    half = packed[SCALES].item() / 2
    assert 0.999 * half < errors < 1.0001 * half


def test_a_file_says_itself_how_it_is_read(tmp_path: Path) -> None:
    tensors = {"w": torch.tensor([[1.0, 0.5], [0.0, 0.0]]).repeat(1, SMALL), "b": torch.tensor([0.5])}
    write_safetensors(tmp_path / "w.safetensors", pack(tensors), PACKED)
    for read in (read_tensors, read_safetensors):
        found = read(tmp_path / "w.safetensors")
        assert found.keys() == tensors.keys()
        torch.testing.assert_close(found["w"], tensors["w"], atol=1 / 254, rtol=0)
    assert load_file(tmp_path / "w.safetensors")["w"][:, :2].tolist() == [[127, 64], [0, 0]]


WHOLE, ROWS = torch.ones(2, 3, dtype=torch.int8), torch.ones(2)


@pytest.mark.parametrize(
    ("tensors", "metadata", "message"),
    [
        ({"w": WHOLE}, PACKED, r"no ':scales'; expected a float32 for each of 2 rows in int8"),
        (
            {"w": WHOLE, SCALES: torch.ones(3)},
            PACKED,
            r"':scales': found 3 of torch.float32; expected a float32 for .* 2",
        ),
        ({"w": WHOLE, SCALES: torch.ones(2, 1)}, PACKED, r"':scales': found 2x1 of torch.float32; expected"),
        ({"w": WHOLE, SCALES: ROWS.half()}, PACKED, r"':scales': found 2 of torch.float16; expected a float32"),
        ({"w": WHOLE, SCALES: torch.tensor([1.0, torch.inf])}, PACKED, r"':scales': expected finite numbers from 0 on"),
        ({"w": WHOLE, SCALES: torch.tensor([1.0, -1.0])}, PACKED, r"':scales': expected finite numbers from 0 on"),
        ({"w": torch.ones(2, 3), SCALES: ROWS}, PACKED, r"':scales': found 2 of torch.float32; expected .* each of 0"),
        ({"w": WHOLE, SCALES: ROWS}, None, r"w is of int8, and the file doesn't say 'packing': 'int8-rows'"),
        ({"w": WHOLE, SCALES: ROWS}, {"packing": "4"}, r"packed as '4'; expected 'int8-rows', or tensors that"),
    ],
)
def test_files_that_are_not_what_they_say_are_refused(
    tmp_path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None, message: str
) -> None:
    write_safetensors(tmp_path / "w.safetensors", tensors, metadata)
    with pytest.raises(RefusedFile, match=rf"w\.safetensors: {message}"):
        read_tensors(tmp_path / "w.safetensors")
