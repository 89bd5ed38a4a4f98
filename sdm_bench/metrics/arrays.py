"""Pictures in one array file, as guided-diffusion writes them: `arr_0`, uint8 (N, H, W, 3), in the split's order."""

import hashlib
import struct
import zipfile
from pathlib import Path

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import refuse_special, sha256_lines
from sdm_bench.datasets.decoding import MOST_PIXELS
from sdm_bench.datasets.pictures import in_parallel
from sdm_bench.metrics.images import ImageSource

ARRAY_SUFFIXES = (".npz", ".npy")
ARRAY = "arr_0"
EXPECTED = "uint8 (N, height, width, 3) as guided-diffusion writes it"
# Of a file in a zip: signature up to the lengths of name and extra field.
LOCAL_HEADER = struct.Struct("<26xHH")


def open_array(path: Path) -> np.ndarray:
    """The pictures of an .npy, or `arr_0` of an .npz: uint8 (N, H, W, 3), read from the disk where they are asked for.

    Those of a compressed .npz are read at once. Raises UserError for another type or shape, and for a damaged file.
    """
    refuse_special(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        pictures = np.load(path, mmap_mode="r") if path.suffix.lower() == ".npy" else _of_npz(path)
    except UserError:
        raise
    except Exception as error:  # a damaged archive fails in many ways
        raise UserError(f"{path}: not a readable array file ({error})") from error
    if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[3] != 3 or 0 in pictures.shape:
        raise UserError(f"{path}: {pictures.dtype} {pictures.shape}; expected {EXPECTED}")
    if pictures.shape[1] * pictures.shape[2] > MOST_PIXELS:
        raise UserError(f"{path}: pictures of {pictures.shape[2]}x{pictures.shape[1]}; expected at most {MOST_PIXELS}")
    return pictures


def _of_npz(path: Path) -> np.ndarray:
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if ARRAY not in names:
            raise UserError(f"{path}: holds {', '.join(names[:5]) or 'nothing'}; expected {ARRAY}, {EXPECTED}")
        member = archive.getinfo(f"{ARRAY}.npy")
        with archive.open(member) as stream:
            major = np.lib.format.read_magic(stream)[0]
            read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
            shape, by_columns, kind = read(stream)
            begins = stream.tell()
            size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
            if kind.hasobject or member.file_size - begins != size:
                raise UserError(f"{path}: {ARRAY} of {kind} {shape} in {member.file_size} bytes; expected {EXPECTED}")
            if member.compress_type != zipfile.ZIP_STORED:
                values = np.frombuffer(stream.read(), kind)
                return values.reshape(shape, order="F" if by_columns else "C")
    with path.open("rb") as file:
        file.seek(member.header_offset)
        lengths = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
    offset = member.header_offset + LOCAL_HEADER.size + sum(lengths) + begins
    return np.memmap(path, kind, "r", offset, shape, "F" if by_columns else "C")


def array_source(name: str, path: Path, pictures: np.ndarray, rows: dict[str, int]) -> ImageSource:
    """Pictures (N, H, W, 3) as what is measured. rows: id -> place in the array."""
    ids = tuple(sorted(rows))
    digests = list(in_parallel(lambda key: _digest(pictures[rows[key]]), ids))
    manifest = sha256_lines([f"{key} {digest}" for key, digest in zip(ids, digests, strict=True)])

    def read(index: int) -> np.ndarray:
        pixels = np.array(pictures[rows[ids[index]]])
        if _digest(pixels) != digests[index]:
            raise UserError(f"{path}: changed while it was measured; measure again when nothing writes there")
        return pixels

    return ImageSource(name, ids, read, manifest, size=pictures.shape[1:3])


def _digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(f"{pixels.shape}\n".encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()
