"""What decides a number beside the samples: what its protocol states, the pinned weights, the segmenter."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.protocols.protocols import protocol
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.inputs import files_digest


@dataclass(frozen=True)
class Measured:
    """decided_by: for the cell's key. lacks: why it can't be measured at all."""

    decided_by: dict[str, Any] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()


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
    elif segmenter is not None:
        path = Path(segmenter).expanduser()
        decided["segmenter"] = files_digest(path).digest if path.exists() else segmenter
    return Measured(decided, lacks)


def needed_weights(cell: Cell) -> list[str]:
    """Registry names of the weights that an evaluate cell needs; imports what its metric needs."""
    from sdm_bench.evaluation.metric import metric

    options, dataset = cell.options, cell.options["dataset"]
    each = metric(options["metric"])
    own = options["segmenter"] or ("trained" if "segmenter" in cell.inputs else None)
    return each.weights(each.parsed(protocol(options["protocol"]), dataset), own)
