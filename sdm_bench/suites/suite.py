"""A suite's YAML, read and validated: what it extends, its names, and every mistake with its line."""

import difflib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from reports.figures.registry import FIGURES
from sdm_bench.base.errors import UserError
from sdm_bench.base.integers import EXPECTED, integers_in
from sdm_bench.datasets.known_datasets import DATASETS
from sdm_bench.evaluation.metric import metric_names
from sdm_bench.models import methods
from sdm_bench.suites.lines import Lined, Way, read_lined
from sdm_bench.suites.schema import ELSEWHERE, GENERATE_FACTORS, TRAIN_FACTORS, SegmenterTraining, Suite
from sdm_bench.suites.slurm_options import mistakes

MOST_EXTENDED = 10
OF_PYDANTIC = ("Stage", "Loop", "SegmenterTraining", "tuple[", "int", "str", "[")


def shipped_suites() -> dict[str, Path]:
    """The suites that come with the program, by name."""
    folder = Path(str(resources.files("sdm_bench.suites").joinpath("shipped")))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_suite(name: str, beside: Path | None = None) -> Path:
    """The file of a suite: a path, relative to `beside` where that is given, or the name of one that ships."""
    path = Path(name) if beside is None else beside / name
    if path.suffix in (".yaml", ".yml") or path.is_file():
        if not path.is_file():
            raise UserError(f"{path}: no such suite")
        return path
    known = shipped_suites()
    if name not in known:
        raise UserError(f"suite '{name}': {_meant(name, known)}; or give a file that ends in .yaml")
    return known[name]


def read_suite(path: Path) -> tuple[Suite, Lined]:
    """The suite in a YAML file with what it extends, and where everything stands; raises UserError."""
    lined = _extended(path, ())
    try:
        suite = Suite.model_validate(lined.value)
    except ValidationError as error:
        wrong = dict.fromkeys(_mistake(each, lined) for each in error.errors())
        raise UserError("\n".join(wrong)) from error
    _refuse_unknown_names(suite, lined)
    return suite, lined


def _extended(path: Path, before: tuple[Path, ...]) -> Lined:
    """A suite laid over what it extends."""
    if path.resolve() in before or len(before) == MOST_EXTENDED:
        raise UserError(f"{path}: extends itself: {' -> '.join(map(str, (*before, path.resolve())))}")
    lined = read_lined(path)
    if "extends" not in lined.value:
        return lined
    base = lined.value.pop("extends")
    if not isinstance(base, str):
        raise UserError(f"{lined.place(('extends',))}: extends: expected a file or the name of a shipped suite")
    try:
        source = find_suite(base, path.parent if Path(base).suffix else None)
    except UserError as error:
        raise UserError(f"{lined.place(('extends',))}: {error.message}") from error
    return lined.over(_extended(source, (*before, path.resolve())))


def _mistake(error: Any, lined: Lined) -> str:
    # pydantic names the alternatives of a union, and keys that don't fit, among the steps
    way: Way = tuple(step for step in error["loc"] if not str(step).startswith(OF_PYDANTIC))
    where = f"{lined.place(way)}: {'.'.join(map(str, way))}"
    if error["type"] == "extra_forbidden" and str(way[-1]).replace("-", "_") in ELSEWHERE:
        return f"{where}: not said here: {ELSEWHERE[str(way[-1]).replace('-', '_')]}"
    if error["type"] == "extra_forbidden":
        return f"{where}: no such field; {_meant(str(way[-1]), _fields_at(way[:-1]))}"
    if error["type"] == "missing":
        return f"{where}: expected, and not there"
    return f"{where}: {error['msg']}; found {error['input']!r}"


def _fields_at(way: Way) -> list[str]:
    """The fields that may stand at a place of a suite."""
    kinds: list[Any] = [Suite]
    for step in way:
        kinds = [inner for kind in kinds for inner in _inside(kind, step)]
    return sorted({name for kind in kinds for name in kind.model_fields} | ({"extends"} if not way else set()))


def _inside(kind: type[BaseModel], step: str | int) -> Iterable[type[BaseModel]]:
    """The groups of fields that a field may hold, or an entry of the mapping or list that it is."""
    if step in kind.model_fields:
        yield from _models(kind.model_fields[str(step)].annotation)
    else:
        yield kind


def _models(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _refuse_unknown_names(suite: Suite, lined: Lined) -> None:
    """Raises UserError with all names that there aren't, and all methods that are not said how to come by."""
    wrong = []

    def check(way: Way, kind: str, name: str, known: Iterable[str]) -> None:
        if name not in (known := list(known)):
            wrong.append(f"{lined.place(way)}: {kind} '{name}': {_meant(name, known)}")

    for label, data in suite.datasets.items():
        way: Way = ("datasets", label)
        check((*way, "dataset"), "dataset", data.dataset or label, DATASETS)
        if data.root is not None and data.toy is not None:
            wrong.append(f"{lined.place(way)}: datasets.{label}: root and toy; expected one of them")
        if isinstance(data.segmenter, SegmenterTraining) and data.segmenter.mistake:
            where = lined.place((*way, "segmenter"))
            wrong.append(f"{where}: datasets.{label}.segmenter: {data.segmenter.mistake}")
        for name in data.metrics or ():
            check((*way, "metrics"), "metric of the suite", name, suite.metrics)
        for name in data.protocols or ():
            check((*way, "protocols"), "protocol of the suite", name, suite.protocols)
    for label, entry in suite.methods.items():
        way = ("methods", label)
        check((*way, "method"), "method", entry.method or label, methods.METHODS)
        for name in entry.datasets or ():
            check((*way, "datasets"), "dataset of the suite", name, suite.datasets)
        if (entry.checkpoint is None) == (entry.train is None):
            found = "neither" if entry.checkpoint is None else "both"
            wrong.append(f"{lined.place(way)}: methods.{label}: expected checkpoint or train; found {found}")
        for number, stage in enumerate(entry.stages):
            if stage.mistake:
                wrong.append(f"{lined.place((*way, 'train', number))}: methods.{label}.train: {stage.mistake}")
    for way, factors in [(("factors",), suite.factors)] + [
        (("methods", label, "factors"), entry.factors) for label, entry in suite.methods.items()
    ]:
        for name, values in factors.items():
            check((*way, name), "factor", name, TRAIN_FACTORS | GENERATE_FACTORS)
            if not values or len(set(map(_told, values))) < len(values):
                wrong.append(f"{lined.place((*way, name))}: {name}: expected values, each once; found {list(values)}")
    for number, name in enumerate(suite.report.figures or ()):
        check(("report", "figures", number), "figure", name, FIGURES)
    for number, name in enumerate(suite.metrics):
        check(("metrics", number), "metric", name, metric_names())
    wrong += [f"{lined.place(('slurm', *way))}: slurm: {mistake}" for way, mistake in mistakes(suite.slurm)]
    if wrong:
        raise UserError("\n".join(dict.fromkeys(wrong)))


def _told(value: Any) -> Any:
    """What tells a value of a factor from others: a number, however it is written, or text."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _meant(name: str, known: Iterable[str]) -> str:
    """The nearest known name, and all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"{hint}Available: {', '.join(known)}"


def seeds_of(text: int | str, place: str) -> tuple[int, ...]:
    """Sampling seeds as numbers; raises UserError that names `place`."""
    found = integers_in(",".join(part.strip() for part in str(text).split(",")))
    if found is None:
        raise UserError(f"{place}: sampling_seeds {text!r}; expected {EXPECTED}")
    return tuple(found)
