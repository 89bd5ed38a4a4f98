"""Edits on disk: samples/ as of any sample folder, edit.json, and beside them what they were made of.

`sources/`, `labels/`, `edited/` and `masks/` hold a PNG a pair, at the size of the samples: the picture, its classes,
the edited classes, and 255 where the picture was made anew. So a folder can be measured and shown by itself.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import is_whole_picture, sha256_file, write_png
from sdm_bench.datasets.base import IGNORED, ClassTable, Example, Record, SemanticDataset, Sources
from sdm_bench.datasets.maps import read_map, read_values
from sdm_bench.datasets.pairs import EditPair
from sdm_bench.datasets.pictures import MAP_SUFFIXES, FilePattern
from sdm_bench.sampling.folders import SampleFolder, SampleOptions

EDIT_FILE = "edit.json"
SPLIT = "edits"
# The folders of what edits were made of.
PARTS = ("sources", "labels", "edited", "masks")
ERASED = 255
Way = Literal["inpainting", "re-synthesis"]


class EditOptions(SampleOptions):
    """Everything that decides the edits of a folder.

    way: `inpainting`, by a diffusion model that sees what is known at every step; `re-synthesis`, by a GAN that makes
    the whole picture, of which the erased part is taken. kind: how protocols know the dataset. merge to strength: see
    Inpainting, None of a GAN. margin: pixels that the erased part grew by. masked: whether masks were given. paste:
    whether what is known was pasted at the end. labels_sha256: of pictures, maps, masks and margin, all that says what
    is edited; photographs_sha256: of the pictures.
    """

    record: ClassVar[str] = EDIT_FILE

    way: Way
    kind: str
    merge: str | None = None
    jump_length: int | None = None
    jump_samples: int | None = None
    strength: float | None = None
    margin: int = 0
    masked: bool = False
    paste: bool = True

    @property
    def variant_title(self) -> str:
        """The variant, with whatever says how it was edited."""
        said = (
            super().variant_title,
            "re-synthesis" if self.way == "re-synthesis" else "",
            f"margin {self.margin}" if self.margin else "",
            "" if self.paste else "not pasted",
        )
        return ", ".join(part for part in said if part)

    @property
    def solver_title(self) -> str:
        """The solver with whatever differs from its defaults, and from one walk with merges after its steps."""
        jumps = f"jumps {self.jump_length}x{self.jump_samples}" if (self.jump_samples or 1) > 1 else ""
        strength = f"strength {self.strength:g}" if self.strength not in (None, 1.0) else ""
        merge = "merged before" if self.merge == "before" else ""
        return " ".join(part for part in (super().solver_title, merge, jumps, strength) if part)


class EditFolder(SampleFolder):
    """A folder of edits and its edit.json."""

    model: ClassVar[type[SampleOptions]] = EditOptions
    command: ClassVar[str] = "edit"

    def options(self) -> EditOptions:
        """What made the edits."""
        found = super().options()
        assert isinstance(found, EditOptions)
        return found

    def part(self, name: str, example_id: str) -> Path:
        """The file of one of PARTS."""
        return self.folder / name / f"{example_id}.png"

    def write_pair(self, pair: EditPair, num_classes: int) -> dict[str, str]:
        """Writes what an edit is made of, unless it is there; returns the SHA-256 of each part.

        Raises UserError for a file of another content: one of the user's, or of an edit that ended before edit.json.
        """
        kind = np.uint8 if num_classes <= ERASED + 1 else np.uint16
        assert pair.source.image is not None
        contents: dict[str, np.ndarray] = {
            "sources": pair.source.image,
            "labels": pair.source.label.astype(kind),
            "edited": pair.edited.label.astype(kind),
            "masks": np.where(pair.erased, ERASED, 0).astype(np.uint8),
        }
        found = {}
        for name, pixels in contents.items():
            path = self.part(name, pair.source.id)
            if not is_whole_picture(path):
                write_png(path, pixels)
            elif not np.array_equal(read_values(path), pixels):
                raise UserError(f"{path}: there, with other content than is edited; remove it or choose another --out")
            found[name] = sha256_file(path)
        return found

    def pictures(self) -> "EditedPictures":
        """What was edited; raises UserError where a file is not what edit.json says."""
        stored, options = self.stored(), self.options()
        digests, rows = stored.get("pairs"), stored.get("classes")
        try:
            assert isinstance(digests, dict)
            assert isinstance(rows, list)
            classes = ClassTable.from_rows(rows)
            wanted = {self.part(name, id): each[name] for id, each in digests.items() for name in PARTS}
        except (AssertionError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise UserError(f"{self.file}: no pairs and classes as `sdm-bench edit` writes them") from error
        for path, digest in wanted.items():
            if not path.is_file() or sha256_file(path) != digest:
                raise UserError(
                    f"{path}: {'changed since' if path.is_file() else 'missing, but there when'} it was "
                    f"edited, by {self.file}; edit again into another folder"
                )
        return EditedPictures(self, options, classes, sorted(digests))


@dataclass(frozen=True)
class Edit:
    """One pair of a folder. example: the picture and the edited classes. label: the classes before. erased: bool."""

    example: Example
    label: np.ndarray
    erased: np.ndarray


class EditedPictures(SemanticDataset):
    """The pairs of a folder of edits as examples: the pictures that were edited, with the edited label maps."""

    splits = (SPLIT,)
    has_instances = False

    def __init__(self, folder: EditFolder, options: EditOptions, classes: ClassTable, ids: list[str]):
        self.folder = folder
        self.name, self.native_size = options.dataset, options.image_size
        self.options, self.table = options, classes
        records = [Record(id, folder.part("sources", id), folder.part("edited", id), None) for id in ids]
        super().__init__(folder.folder, SPLIT, records)

    @property
    def kind(self) -> str:
        return self.options.kind

    @property
    def classes(self) -> ClassTable:
        return self.table

    @staticmethod
    def layout() -> str:
        return f"{EDIT_FILE}, samples/, {'/, '.join(PARTS)}/"

    def sources(self) -> Sources:
        labels, images = (FilePattern(self.root / name, MAP_SUFFIXES) for name in ("edited", "sources"))
        return Sources(labels, images)

    def label_ids(self, raw: np.ndarray) -> np.ndarray:
        return raw

    def label(self, record: Record) -> np.ndarray:
        # classes as they are: ids of another encoding can't be among them
        return self.to_classes(self.read_label(record.label), record.label)

    def edit(self, index: int) -> Edit:
        """A pair; raises UserError where a file is broken or sizes differ."""
        example, id = self[index], self.records[index].id
        label, mask = (read_map(self.folder.part(name, id)) for name in ("labels", "masks"))
        return Edit(example, self.to_classes(label, self.folder.part("labels", id)), mask == ERASED)


class ErasedPart(EditedPictures):
    """The same, in which every pixel that was not erased is of a further class, the last, which no metric counts."""

    @staticmethod
    def of(pictures: EditedPictures) -> "ErasedPart":
        """That of a folder's pictures."""
        ids = [record.id for record in pictures.records]
        return ErasedPart(pictures.folder, pictures.options, pictures.table, ids)

    @property
    def classes(self) -> ClassTable:
        last = len(self.table)
        return ClassTable(
            (*self.table.names, "not erased"),
            np.concatenate([self.table.colors, np.zeros((1, 3), np.uint8)]),
            np.append(self.table.evaluate_as, np.uint8(IGNORED)),
            np.append(self.table.mirrored, last),
        )

    def label(self, record: Record) -> np.ndarray:
        erased = read_map(self.folder.part("masks", record.id)) == ERASED
        return np.where(erased, super().label(record), len(self.table))


def class_rows(classes: ClassTable) -> list[dict[str, Any]]:
    """A class table as ClassTable.from_rows reads it."""
    return [
        {"id": id, "name": name, "color": color, "evaluate_as": None if place == IGNORED else place, "mirror": mirrored}
        for id, (name, color, place, mirrored) in enumerate(
            zip(
                classes.names,
                classes.colors.tolist(),
                classes.evaluate_as.tolist(),
                classes.mirrored.tolist(),
                strict=True,
            )
        )
    ]
