"""classes.yaml: what a dataset of one's own is called, its size, its classes, and what its label files hold."""

import reprlib
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_yaml
from sdm_bench.base.names import one_line
from sdm_bench.datasets.base import IGNORED, ClassTable, Size
from sdm_bench.datasets.maps import packed

NAME = "folder"
SIZE = (256, 256)
LARGEST_ID = 65535
LONGEST_NAME = 60
LARGEST_SIDE = 8192
EXAMPLE = "- {name: road, color: [128, 64, 128]}"
EXPECTED = f"expected a list of classes, a row each like `{EXAMPLE}`, or that list under `classes:`"
FIELDS = ("name", "size", "ignore", "classes")
ROW_FIELDS = ("id", "name", "color", "ignore", "mirror")
# What files hold where no class is, as a class of its own behind the others.
IGNORED_NAME = "ignored"
# Names that other datasets have.
SHIPPED = ("cityscapes", "ade20k", "celebamask_hq", "coco_stuff")

Color = tuple[int, int, int]


@dataclass(frozen=True)
class ClassFile:
    """What a classes.yaml says.

    name: of the dataset. size: its (height, width). table: the classes, and behind them one for what is ignored if
    anything is. ids: the file value of each listed class. ignored_ids, ignored_colors: those that are no class.
    """

    path: Path
    name: str
    size: Size
    table: ClassTable
    ids: tuple[int, ...]
    ignored_ids: tuple[int, ...]
    ignored_colors: tuple[Color, ...]

    @cached_property
    def _by_id(self) -> np.ndarray:
        """int64 (65536,): the class of each file value, -1 where there is none."""
        classes = np.full(LARGEST_ID + 1, -1, np.int64)
        classes[list(self.ids)] = np.arange(len(self.ids))
        classes[list(self.ignored_ids)] = len(self.ids)
        return classes

    @cached_property
    def _by_color(self) -> dict[int, int]:
        """The class of each packed colour; raises UserError where two classes have one."""
        listed = [tuple(color) for color in self.table.colors[: len(self.ids)].tolist()]
        every = [
            *zip(listed, range(len(listed)), strict=True),
            *((color, len(listed)) for color in self.ignored_colors),
        ]
        found: dict[int, int] = {}
        for color, index in every:
            number = int(packed(np.array(color)))
            if found.setdefault(number, index) != index:
                names = f"{self.table.names[found[number]]} and {self.table.names[index]}"
                raise UserError(
                    f"{self.path}: {names} have one colour, {list(color)}; label maps in colour need others"
                )
        return found

    def label_ids(self, raw: np.ndarray) -> np.ndarray:
        """int64 (H, W) classes of file values (H, W), or of colours (H, W, 3); -1 for one that no class has."""
        if raw.ndim == 2:
            inside = (raw >= 0) & (raw <= LARGEST_ID)
            return np.where(inside, self._by_id[np.where(inside, raw, 0)], -1)
        numbers, places = np.unique(packed(raw), return_inverse=True)
        classes = np.array([self._by_color.get(number, -1) for number in numbers.tolist()], np.int64)
        label: np.ndarray = classes[places.reshape(raw.shape[:2])]
        return label

    def expected_ids(self) -> str:
        """The file values that it knows, for error messages."""
        ordered = self.ids == tuple(range(len(self.ids)))
        ids = f"0..{len(self.ids) - 1}" if ordered else f"the {len(self.ids)} ids of {self.path.name}"
        ignored = f", or {', '.join(map(str, self.ignored_ids))} (ignored)" if self.ignored_ids else ""
        return ids + ignored

    def identity(self, colored: bool) -> list[str]:
        """Lines on what file values mean, beside the table's digest: none for ids 0, 1, 2, ... of no name.

        colored: whether any label map holds colours.
        """
        lines = [] if self.name == NAME else [f"name {self.name}"]
        if self.ids != tuple(range(len(self.ids))) or self.ignored_ids:
            lines.append(f"ids {self.ids} ignored {self.ignored_ids}")
        if colored:
            lines.append(f"colours {sorted(self._by_color.items())}")
        return lines


def read_class_file(path: Path) -> ClassFile:
    """What a classes.yaml says; raises UserError that says which row is wrong and what a row looks like."""
    if not path.is_file():
        raise UserError(f"{path}: not found; {EXPECTED}; `sdm-bench data init folder {path.parent}` writes one")
    found = read_yaml(path)
    about = {"classes": found} if isinstance(found, list) else found
    if not isinstance(about, dict) or not isinstance(about.get("classes"), list) or not about["classes"]:
        raise UserError(f"{path}: {EXPECTED}")
    _refuse_unknown(path, "", about, FIELDS)
    rows = about["classes"]
    if len(rows) > IGNORED:
        raise UserError(f"{path}: {len(rows)} classes; at most {IGNORED} can be told apart")
    checked = [_row(path, index, row, len(rows)) for index, row in enumerate(rows)]
    ids = tuple(row["id"] for row in checked)
    ignored_ids, ignored_colors = _ignored(path, about.get("ignore", []))
    _refuse_twice(path, "name", [row["name"] for row in checked])
    _refuse_twice(path, "id", [*ids, *ignored_ids])
    return ClassFile(
        path=path,
        name=_name(path, about.get("name", NAME)),
        size=_size(path, about.get("size", list(SIZE))),
        table=_table(checked, ignored_ids, ignored_colors),
        ids=ids,
        ignored_ids=ignored_ids,
        ignored_colors=ignored_colors,
    )


def _table(rows: list[dict], ignored_ids: tuple[int, ...], ignored_colors: tuple[Color, ...]) -> ClassTable:
    evaluated = np.cumsum([not row["ignore"] for row in rows]) - 1
    table = [
        {**row, "id": index, "evaluate_as": None if row["ignore"] else int(evaluated[index])}
        for index, row in enumerate(rows)
    ]
    if ignored_ids or ignored_colors:
        color = list(ignored_colors[0]) if ignored_colors else [0, 0, 0]
        names = {row["name"] for row in rows}
        name = next(
            each for each in (IGNORED_NAME, *(f"{IGNORED_NAME} {k}" for k in range(2, 999))) if each not in names
        )
        table.append({"id": len(table), "name": name, "color": color, "evaluate_as": None})
    return ClassTable.from_rows(table)


def _row(path: Path, index: int, row: Any, count: int) -> dict:
    """A row with all its fields; raises UserError."""
    name = row.get("name") if isinstance(row, dict) else None
    spelled = "" if isinstance(name, bool) or not isinstance(name, str | int | float) else one_line(str(name))
    named = spelled and not any(unicodedata.category(each) == "Cc" for each in str(name))
    if not isinstance(row, dict) or not named or not _is_color(row.get("color")):
        hint = "; put the name in quotes" if isinstance(name, bool) else ""
        # shortened, since a few aliases of YAML can spell out to any length
        found = reprlib.repr(row)
        expected = f"expected a name and a color of three numbers 0..255, like `{EXAMPLE}`{hint}"
        raise UserError(f"{path}: row {index} is {found}; {expected}")
    _refuse_unknown(path, f"row {index}: ", row, ROW_FIELDS)
    number = row.get("id", index)
    if not _is_integer(number) or not 0 <= number <= LARGEST_ID:
        raise UserError(f"{path}: row {index}: id {reprlib.repr(number)}; expected a whole number 0..{LARGEST_ID}")
    mirror = row.get("mirror", index)
    if not _is_integer(mirror) or not 0 <= mirror < count:
        raise UserError(f"{path}: row {index}: mirror {reprlib.repr(mirror)}; expected a row number 0..{count - 1}")
    ignore = row.get("ignore", False)
    if not isinstance(ignore, bool):
        raise UserError(f"{path}: row {index}: ignore {reprlib.repr(ignore)}; expected true or false")
    return {"id": number, "name": spelled, "color": row["color"], "ignore": ignore, "mirror": mirror}


def _ignored(path: Path, given: Any) -> tuple[tuple[int, ...], tuple[Color, ...]]:
    """The ids and the colours under `ignore`: one, or a list of them."""
    values = given if isinstance(given, list) else [given]
    ids = tuple(each for each in values if _is_integer(each))
    colors: tuple[Color, ...] = tuple((each[0], each[1], each[2]) for each in values if _is_color(each))
    if len(ids) + len(colors) < len(values) or any(not 0 <= each <= LARGEST_ID for each in ids):
        expected = f"expected ids 0..{LARGEST_ID} or colours, like 255 or [255, [0, 0, 0]]"
        raise UserError(f"{path}: ignore {reprlib.repr(given)}; {expected}")
    return ids, colors


def _name(path: Path, given: Any) -> str:
    name = unicodedata.normalize("NFC", str(given).strip())
    spelled = all(each.isalnum() or each in "-_. " for each in name) and name[:1].isalnum()
    if not isinstance(given, str) or not spelled or len(name) > LONGEST_NAME:
        expected = f"expected up to {LONGEST_NAME} letters, digits, '-', '_', '.' or spaces"
        raise UserError(f"{path}: name {reprlib.repr(given)}; {expected}")
    if name.casefold() in (*SHIPPED, NAME) and name != NAME:
        raise UserError(f"{path}: name '{name}': another dataset is called so; choose another")
    return name


def _size(path: Path, given: Any) -> Size:
    sides = given if isinstance(given, list) else []
    if len(sides) != 2 or not all(_is_integer(side) and 1 <= side <= LARGEST_SIDE for side in sides):
        expected = f"expected [height, width] in pixels up to {LARGEST_SIDE}, like [360, 480]"
        raise UserError(f"{path}: size {reprlib.repr(given)}; {expected}")
    return sides[0], sides[1]


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_color(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(_is_integer(each) and 0 <= each <= 255 for each in value)


def _refuse_unknown(path: Path, where: str, found: dict, known: tuple[str, ...]) -> None:
    unknown = [name for name in found if name not in known]
    if unknown:
        raise UserError(f"{path}: {where}unknown field {reprlib.repr(unknown[0])}; expected {', '.join(known)}")


def _refuse_twice(path: Path, what: str, values: list) -> None:
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise UserError(f"{path}: the {what} {reprlib.repr(twice[0])} occurs twice; expected one a class")
