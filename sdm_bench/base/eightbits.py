"""Weights in 8 bits: whole numbers and a scale for each row, in safetensors files of a quarter of the size."""

from collections.abc import Mapping

import torch
from torch import Tensor

from sdm_bench.base.errors import UserError
from sdm_bench.base.filekinds import RefusedFile

# In a file's metadata: how its tensors are to be read.
KEY, ROWS = "packing", "int8-rows"
PACKED = {KEY: ROWS}
# The scales of all rows, tensor after tensor in the order of their names. Modules' names have no colon.
SCALES = ":scales"
LARGEST = 127
# Tensors of so few numbers stay in float16, such as the layer with which toy diffusion models make the picture, of
# 6 x 32 x 3 x 3. In 8 bits it alone moves the mean colour of the toy SDM's samples by 12 of 255 levels; they move by 1.
SMALL = 1728


def pack(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Floating-point tensors of two or more dimensions and more than SMALL numbers in int8, others in float16.

    What isn't floating-point stays as it is. A row is all that one index of the first dimension has. It is kept as
    round(row / scale), ties to even, where its scale, a float32 in SCALES, is the largest of its magnitudes divided by
    127, so that no number moves by more than half a scale; a row of zeros has scale 0. Raises UserError that names a
    tensor with numbers that aren't finite, or not in float16.
    """
    packed: dict[str, Tensor] = {}
    scales = [torch.zeros(0)]
    for name, tensor in sorted(tensors.items()):
        if not tensor.is_floating_point():
            packed[name] = tensor
        elif tensor.dim() < 2 or tensor.numel() <= SMALL:
            packed[name] = halved(name, tensor)
        else:
            packed[name], scale = _rows(name, tensor)
            scales.append(scale)
    return {**packed, SCALES: torch.cat(scales)}


def halved(name: str, tensor: Tensor) -> Tensor:
    """A floating-point tensor in float16; raises UserError where a number of it is not finite there."""
    half = tensor.half()
    if not half.isfinite().all():
        raise UserError(f"{name}: holds numbers that float16 can't; keep the weights in 32 bits")
    return half


def _rows(name: str, tensor: Tensor) -> tuple[Tensor, Tensor]:
    values = tensor.float()
    if not values.isfinite().all():
        raise UserError(f"{name}: holds numbers that aren't finite; keep the weights in 32 bits")
    scale = values.flatten(1).abs().amax(dim=1) / LARGEST
    divisor = _along(torch.where(scale > 0, scale, torch.ones_like(scale)), values)
    return (values / divisor).round().clamp(-LARGEST, LARGEST).to(torch.int8), scale


def unpack(tensors: Mapping[str, Tensor], metadata: Mapping[str, str], source: object) -> dict[str, Tensor]:
    """The tensors of a file in float32, where its metadata says that they are packed; otherwise as they are.

    Raises RefusedFile that names `source` for int8 that the metadata doesn't speak of, for scales that are not there,
    are of another number or type than the rows, or not finite, and for a way of packing that isn't known.
    """
    way = metadata.get(KEY)
    whole = sorted(name for name, tensor in tensors.items() if tensor.dtype == torch.int8)
    if way is None:
        if whole:
            raise RefusedFile(f"{source}: {whole[0]} is of int8, and the file doesn't say '{KEY}': '{ROWS}'")
        return dict(tensors)
    if way != ROWS:
        raise RefusedFile(f"{source}: packed as '{way}'; expected '{ROWS}', or tensors that aren't packed")
    rows = [len(tensors[name]) if tensors[name].dim() else 0 for name in whole]
    scales = _scales(tensors.get(SCALES), sum(rows), source)
    found = {name: tensor for name, tensor in tensors.items() if name != SCALES}
    for name, scale in zip(whole, scales.split(rows), strict=True):
        found[name] = tensors[name].float() * _along(scale, tensors[name])
    return found


def _scales(scales: Tensor | None, rows: int, source: object) -> Tensor:
    expected = f"a float32 for each of {rows} rows in int8"
    if scales is None:
        raise RefusedFile(f"{source}: no '{SCALES}'; expected {expected}")
    if scales.dtype != torch.float32 or scales.shape != (rows,):
        shape = "x".join(map(str, scales.shape))
        raise RefusedFile(f"{source}: '{SCALES}': found {shape} of {scales.dtype}; expected {expected}")
    if not (scales.isfinite() & (scales >= 0)).all():
        raise RefusedFile(f"{source}: '{SCALES}': expected finite numbers from 0 on")
    return scales


def _along(rows: Tensor, tensor: Tensor) -> Tensor:
    """A number a row in the shape that multiplies the rows of `tensor`."""
    return rows.reshape(-1, *[1] * (tensor.dim() - 1))
