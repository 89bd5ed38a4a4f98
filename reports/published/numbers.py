"""The published numbers: validated, frozen, filtered; never measured here."""

from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.evaluation.metric import FRACTION, Output, all_outputs
from sdm_bench.models.methods import METHODS
from sdm_bench.protocols.protocols import protocol_names
from sdm_bench.results.rows import LABELS, REAL

UNKNOWN = "unknown"
"""The protocol of a number of which no source says enough to repeat the measurement."""
DATASETS = ("ade20k", "celebamask_hq", "cityscapes", "coco_stuff")
PERCENT = "percent"


class PublishedNumber(BaseModel):
    """One number that somebody published.

    source: the paper, issue or README that printed it. read_in: where it was read, where that is not the source alone.
    mark: V, the places of `read_in`, two or more, agree; S, there is one, which may be a secondary one.
    method: a name of methods.yaml, else as published; `real photographs` for what a segmenter makes of photographs.
    track: as in ResultRow; `real photographs` are of none.
    value: comparable with a ResultRow's; mean IoU and accuracy are fractions, whatever the source prints.
    size: (height, width) of the pictures, None where it is not stated. num_images: how many of them are measured at a
    time, None where that is not stated.
    protocol: the one by which the measurement can be repeated, or `unknown`, and then the note says what is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(min_length=1)
    read_in: tuple[str, ...] = ()
    mark: Literal["V", "S"]
    dataset: Literal["ade20k", "celebamask_hq", "cityscapes", "coco_stuff"]
    method: str = Field(min_length=1)
    track: Literal["", "labels", "text"] = LABELS
    variant: str = ""
    metric: str
    value: float = Field(ge=0, allow_inf_nan=False)
    unit: Literal["", "fraction"] = ""
    size: tuple[int, int] | None = None
    num_images: int | None = Field(None, gt=0)
    protocol: str
    note: str = ""

    @property
    def output(self) -> Output:
        """What the number is of: an output of a metric, with its title, direction and unit."""
        return all_outputs()[self.metric]

    def key(self) -> tuple[str, ...]:
        """What the number is of, and who says so."""
        return self.source, self.dataset, self.method, self.variant, self.metric

    @model_validator(mode="before")
    @classmethod
    def _of_no_track(cls, fields: dict[str, Any]) -> dict[str, Any]:
        return {**fields, "track": ""} if fields.get("method") == REAL else fields

    @model_validator(mode="after")
    def _checked(self) -> "PublishedNumber":
        if self.metric not in all_outputs():
            raise ValueError(f"metric '{self.metric}'; expected one of {', '.join(all_outputs())}")
        self._check_value()
        if self.mark == "V" and len(set(self.read_in)) < 2:
            raise ValueError(f"mark V and {len(set(self.read_in))} of the places that agree; expected at least two")
        if self.protocol != UNKNOWN and self.protocol not in protocol_names():
            raise ValueError(f"protocol '{self.protocol}'; expected {UNKNOWN}, {', '.join(protocol_names())}")
        if self.protocol == UNKNOWN and not self.note:
            raise ValueError("an unknown protocol without a note that says what is not known")
        ours = [name for name, about in METHODS.items() if _plain(self.method) in (_plain(name), _plain(about.title))]
        if ours and self.method not in ours:
            raise ValueError(f"method '{self.method}'; this program calls it '{ours[0]}'")
        return self

    def _check_value(self) -> None:
        expected = self.output
        if self.unit != expected.unit:
            raise ValueError(f"unit '{self.unit}'; {self.metric} comes with unit '{_written(expected.unit)}'")
        if self.value > expected.highest:
            raise ValueError(f"a value of {self.value:g}; {self.metric} is at most {expected.highest:g}")


def published(dataset: str | None = None, metric: str | None = None) -> list[PublishedNumber]:
    """The shipped numbers, in the order of their files; of a dataset or a metric alone where one is named.

    Raises UserError for a dataset or metric of which there is none, and for a broken file, which it names.
    """
    for kind, name, known in (("dataset", dataset, DATASETS), ("metric", metric, all_outputs())):
        if name is not None and name not in known:
            raise unknown_name(kind, name, known)
    return [each for each in _shipped() if dataset in (None, each.dataset) and metric in (None, each.metric)]


def read_published(text: str, name: str) -> list[PublishedNumber]:
    """The numbers of a YAML file called `name`; raises UserError that names it, the entry and what is wrong there.

    `source` is of all `numbers`, `defaults` of those that don't say otherwise. With `unit: percent` a value is divided
    by a hundred.
    """
    try:
        about = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"{name}: not YAML: {error}") from error
    fields = set(about) if isinstance(about, dict) else set()
    if not {"source", "numbers"} <= fields <= {"source", "defaults", "numbers"}:
        found = ", ".join(map(str, sorted(fields, key=str))) or type(about).__name__
        raise UserError(f"{name}: expected source, defaults and numbers; found {found}")
    if not isinstance(about["numbers"], list):
        raise UserError(f"{name}: numbers: expected a list; found {type(about['numbers']).__name__}")
    common = {"source": about["source"], **(about.get("defaults") or {})}
    return [_number(common, entry, f"{name}, entry {count}") for count, entry in enumerate(about["numbers"], start=1)]


def _number(common: dict[str, Any], entry: Any, where: str) -> PublishedNumber:
    if not isinstance(entry, dict):
        raise UserError(f"{where}: expected fields of a number; found {entry!r}")
    fields = {**common, **entry}
    where += "".join(f" {fields[key]}" for key in ("dataset", "method", "metric") if key in fields)
    value = fields.get("value")
    if fields.get("unit") == PERCENT and isinstance(value, int | float):
        fields |= {"value": value / 100, "unit": FRACTION}
    try:
        return PublishedNumber(**fields)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc']))} {each['msg']}".lstrip() for each in error.errors()]
        raise UserError(f"{where}: {'; '.join(wrong)}") from error


@cache
def _shipped() -> tuple[PublishedNumber, ...]:
    return tuple(number for name, text in _files() for number in read_published(text, name))


def _files() -> Iterator[tuple[str, str]]:
    folder = resources.files("reports.published")
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".yaml"):
            yield f"reports/published/{file.name}", file.read_text(encoding="utf-8")


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def _written(unit: str) -> str:
    return PERCENT if unit else ""
