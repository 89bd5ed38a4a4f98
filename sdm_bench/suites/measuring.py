"""What decides a number beside the samples: what its protocol states, the pinned weights, the segmenter."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints.shipped import SHIPPED, shipped_weights
from sdm_bench.protocols.protocols import protocol
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.inputs import files_digest
from sdm_bench.suites.schema import Data


@dataclass(frozen=True)
class Measured:
    """decided_by: for the cell's key. lacks: why it can't be measured at all. files: as of a cell."""

    decided_by: dict[str, Any] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)


def measured(name: str, metric: str, dataset: str, segmenter: Cell | str | None) -> Measured:
    """What decides a metric's number under a protocol; raises UserError where there is no such protocol."""
    chosen = protocol(name)
    if dataset not in chosen.datasets(metric):
        return Measured({"protocol": name}, (f"{name} says nothing about {metric} on {dataset}",))
    fields = chosen.fields(metric, dataset)
    named = {str(value) for value in fields.values()}
    pinned = {weights: digest for weights, digest in chosen.weights.items() if weights in named}
    decided: dict[str, Any] = {"protocol": {"name": name, **fields}, "pinned weights": pinned}
    lacks: tuple[str, ...] = ()
    try:
        chosen.refuse_unstated(metric, dataset)
    except UserError as error:
        lacks = (error.message,)
    if isinstance(segmenter, Cell):
        decided["segmenter"] = segmenter.key
    elif segmenter == SHIPPED:
        try:
            decided["segmenter"] = files_digest(shipped_weights("unet", dataset)).digest
        except UserError as error:
            lacks = (*lacks, f"--segmenter {SHIPPED}: {error.message}")
    elif segmenter is not None:
        path = Path(segmenter)
        files = {segmenter: files_digest(path).digest} if path.is_absolute() else {}
        decided["segmenter"] = files.get(segmenter, segmenter)
        return Measured(decided, lacks, files)
    return Measured(decided, lacks)


def called(segmenter: Cell | str | None) -> Cell | str | None:
    """A segmenter of the suite as its cells know it, which run in the suite's folder: a file in full."""
    if not isinstance(segmenter, str) or segmenter == SHIPPED:
        return segmenter
    path = Path(segmenter).expanduser()
    return str(path.absolute()) if path.exists() else segmenter


@dataclass(frozen=True)
class Given:
    """What a suite gives to a metric beside the samples: options of evaluate. The others as of Measured."""

    options: dict[str, Any] = field(default_factory=dict)
    decided_by: dict[str, Any] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)


def given(metric: str, data: Data) -> Given:
    """Statistics and captions of a dataset of the suite go to the metrics that take them."""
    found = Given()
    if metric == "fid" and data.statistics is not None:
        found = _file("statistics", data.statistics, _statistics)
    if metric == "fid" and data.fd_infinity:
        options, decided = ({**each, "fd_infinity": True} for each in (found.options, found.decided_by))
        found = replace(found, options=options, decided_by=decided)
    if metric == "clip_score" and data.captions is not None:
        found = _file("captions", data.captions, _there)
    return found


def _file(option: str, source: str, resolve: Callable[[str], Path | None]) -> Given:
    try:
        path = resolve(str(Path(source).expanduser()))
    except UserError as error:
        return Given({option: source}, {option: "absent"}, (error.message,))
    assert path is not None
    # cells run in the suite's folder
    where, digest = str(path.absolute()), files_digest(path).digest
    return Given({option: where}, {option: digest}, files={where: digest})


def _statistics(source: str) -> Path | None:
    from sdm_bench.evaluation.statistics import resolve_statistics

    return resolve_statistics(source)


def _there(source: str) -> Path:
    if not Path(source).is_file():
        raise UserError(f"captions {source}: no such file")
    return Path(source)


def needed_weights(cell: Cell) -> list[str]:
    """Registry names of the weights that an evaluate cell needs; imports what its metric needs."""
    from sdm_bench.evaluation.metric import metric

    options, dataset = cell.options, cell.options["dataset"]
    each = metric(options["metric"])
    own = options["segmenter"] or ("trained" if "segmenter" in cell.inputs else None)
    return each.weights(each.parsed(protocol(options["protocol"]), dataset), own)
