"""The official release of CelebAMask-HQ: one photograph a face, one PNG a face and part.

The merge of the parts and the split `celeba` are those of switchablenorms/CelebAMask-HQ@3f6c45d, in
face_parsing/Data_preprocessing: g_mask.py and g_partition.py.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_text
from sdm_bench.base.progress import say
from sdm_bench.datasets.base import ClassTable
from sdm_bench.datasets.decoding import UnreadableFile
from sdm_bench.datasets.pictures import read_image
from sdm_bench.datasets.verify_report import counted, listed

PHOTOGRAPHS = "CelebA-HQ-img"
MASKS = "CelebAMask-HQ-mask-anno"
MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
FACES = 30000
FACES_A_FOLDER = 2000
SIZE = (512, 512)
OFFICIAL_FORM = (
    f"{PHOTOGRAPHS}/0.jpg..{FACES - 1}.jpg and {MASKS}/0..{(FACES - 1) // FACES_A_FOLDER}/<5 digits>_<part>.png"
)


@dataclass(frozen=True)
class Release:
    """The files of an official release by face number: photographs, and part masks by name of the part."""

    root: Path
    photographs: dict[int, Path]
    parts: dict[int, dict[str, Path]]

    @staticmethod
    def open(release: Path) -> "Release":
        """The release in the folder `release`; raises UserError where a folder of its official form is missing."""
        root = release / "CelebAMask-HQ" if (release / "CelebAMask-HQ").is_dir() else release
        missing = [folder for folder in (PHOTOGRAPHS, MASKS) if not (root / folder).is_dir()]
        if missing:
            raise UserError(f"{root}: no sub-folder {' and no '.join(missing)}; expected {OFFICIAL_FORM}")
        photographs = {
            int(path.stem): path
            for path in (root / PHOTOGRAPHS).glob("*.jpg")
            if path.stem.isdecimal() and path.stem == str(int(path.stem)) and int(path.stem) < FACES
        }
        if not photographs:
            raise UserError(f"{root / PHOTOGRAPHS}: no photographs; expected 0.jpg to {FACES - 1}.jpg")
        wanted = {index // FACES_A_FOLDER for index in photographs}
        absent = [number for number in wanted if not (root / MASKS / str(number)).is_dir()]
        if absent:
            raise UserError(
                f"{root / MASKS}: no sub-folder {_ranges(absent)}, which the photographs need; expected {OFFICIAL_FORM}"
            )
        if len(photographs) < FACES:
            say(f"{root / PHOTOGRAPHS}: {len(photographs)} of the release's {FACES} photographs are there")
        return Release(root, photographs, _part_files(root / MASKS))

    def incomplete(self) -> list[str]:
        """What has only photographs, or only part masks."""
        unmasked = self.photographs.keys() - self.parts.keys()
        unseen = self.parts.keys() - self.photographs.keys()
        return [
            *([f"{self.root / MASKS}: no part masks of faces {_ranges(unmasked)}"] if unmasked else []),
            *([f"{self.root / PHOTOGRAPHS}: no photographs of faces {_ranges(unseen)}"] if unseen else []),
        ]


def _part_files(folder: Path) -> dict[int, dict[str, Path]]:
    names = set(ClassTable.shipped("celebamask_hq").names[1:])
    parts: dict[int, dict[str, Path]] = {}
    foreign = []
    for path in sorted(folder.glob("*/*.png")):
        number, _, part = path.stem.partition("_")
        known = len(number) == 5 and number.isdecimal() and part in names
        if known and path.parent.name == str(int(number) // FACES_A_FOLDER):
            parts.setdefault(int(number), {})[part] = path
        else:
            foreign.append(path.relative_to(folder))
    if foreign:
        say(f"{folder}: {counted(len(foreign), 'file')} passed over, not <face>_<part>.png: {listed(foreign)}")
    return parts


def _by_index(release: Release) -> dict[int, str]:
    return {index: "train" if index < 28000 else "test" for index in release.photographs}


def _by_celeba(release: Release) -> dict[int, str]:
    path = release.root / MAPPING
    original = _read_mapping(path)
    absent = release.photographs.keys() - original.keys()
    if absent:
        raise UserError(f"{path}: no line for faces {_ranges(absent)}")
    return {index: _celeba_split(original[index]) for index in release.photographs}


def _celeba_split(original: int) -> str:
    if original < 162771:
        return "train"
    return "val" if original < 182638 else "test"


def _read_mapping(path: Path) -> dict[int, int]:
    if not path.is_file():
        raise UserError(f"{path}: not found; split rule celeba needs the index that each face has in CelebA")
    original = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        fields = line.split()
        if not fields or (number == 1 and not fields[0].isdecimal()):
            continue
        if len(fields) < 2 or not (fields[0].isdecimal() and fields[1].isdecimal()):
            raise UserError(f"{path}: line {number} is '{line}'; expected a face, its index in CelebA and its file")
        original[int(fields[0])] = int(fields[1])
    return original


def merge_parts(parts: dict[str, Path]) -> tuple[np.ndarray, list[str]]:
    """uint8 (512, 512) label map of one face's part masks, and what is wrong with those that cannot be used.

    Parts are drawn in the order of the class table, so that a pixel belongs to the last part that covers it.
    """
    label = np.zeros(SIZE, np.uint8)
    failures = []
    for index, name in enumerate(ClassTable.shipped("celebamask_hq").names):
        if name in parts:
            try:
                label[_covered(parts[name])] = index
            except UnreadableFile as error:
                failures.append(error.message)
    return label, failures


def _covered(path: Path) -> np.ndarray:
    pixels = read_image(path)
    blue = pixels[..., 2]  # the channel that the official merge looks at
    if pixels.any() and not blue.any():
        raise UnreadableFile(f"{path}: a mask in a colour without blue, which would be empty; expected white on black")
    if blue.shape != SIZE:
        raise UnreadableFile(f"{path}: {blue.shape[1]}x{blue.shape[0]} pixels; expected {SIZE[1]}x{SIZE[0]}")
    return blue != 0


def _ranges(numbers: Iterable[int]) -> str:
    """The numbers in order, neighbours as `first..last`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("..".join(map(str, run)) for run in runs)


# By name of the rule: the split of each face that has a photograph.
SPLIT_RULES: dict[str, Callable[[Release], dict[int, str]]] = {"index-28000": _by_index, "celeba": _by_celeba}
