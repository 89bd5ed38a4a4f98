"""What protocols state of what a bundle measures, beside what this version ships under the same names."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from reports.leaderboard.tree import shown
from sdm_bench.base.errors import UserError
from sdm_bench.datasets.folder import Folder
from sdm_bench.datasets.known_datasets import DATASETS
from sdm_bench.evaluation.context import content_sha256
from sdm_bench.evaluation.metric import metric
from sdm_bench.protocols.protocols import protocol
from sdm_bench.results.rows import ResultRow


class Subject(NamedTuple):
    """What a protocol states something of. kind: the dataset, `folder` for one's own."""

    protocol: str
    metric: str
    kind: str


def subject_of(row: ResultRow) -> Subject:
    """What of its protocol decides a row."""
    return Subject(row.protocol, row.measure, row.dataset if row.dataset in DATASETS else Folder.name)


def shipped(subject: Subject) -> dict[str, Any]:
    """What the shipped protocol states, with its digest; raises UserError where there is none or it is not enough."""
    found = protocol(subject.protocol)
    section = metric(subject.metric).stated(found, subject.kind)
    states = section.model_dump(mode="json")
    return {"sha256": content_sha256(section, found), "weights": dict(found.weights), "states": states}


def contents(rows: Sequence[ResultRow]) -> dict[str, Any]:
    """What protocols.json holds of rows: by protocol, metric and dataset what the shipped protocol states."""
    made: dict[str, Any] = {}
    for subject in sorted(set(map(subject_of, rows))):
        made.setdefault(subject.protocol, {}).setdefault(subject.metric, {})[subject.kind] = shipped(subject)
    return made


def differing(expected: dict[str, Any], states: Any, weights: Any = None) -> Iterator[str]:
    """The fields in which what is said of a protocol differs from what is shipped. weights: None where nobody says."""
    pairs = [("", expected["states"], states)]
    pairs += [] if weights is None else [("weights of ", expected["weights"], weights)]
    for prefix, ours, theirs in pairs:
        if not isinstance(theirs, dict):
            yield f"{prefix or 'states'}: expected fields"
            continue
        for name in sorted({*ours, *theirs}, key=str):
            if ours.get(name) != theirs.get(name) or (name in ours) != (name in theirs):
                there = repr(theirs[name]) if name in theirs else "missing"
                here = repr(ours[name]) if name in ours else "no such field"
                yield f"{prefix}{shown(name)}: {shown(there)[:200]}; the shipped protocol has {here[:200]}"


def wrong_protocols(stored: Any, rows: Sequence[ResultRow]) -> Iterator[str]:
    """What is wrong with protocols.json, and with the digests of protocols that rows have."""
    by_subject: dict[Subject, list[ResultRow]] = {}
    for row in rows:
        by_subject.setdefault(subject_of(row), []).append(row)
    left = {Subject(*map(str, path)) for path in _paths(stored)}
    for subject, of in sorted(by_subject.items()):
        where = shown(f"{subject.protocol}, {subject.metric} on {subject.kind}")
        left.discard(subject)
        try:
            expected = shipped(subject)
        except UserError as error:
            yield f"{where}: {shown(error.message)}"
            continue
        said = _at(stored, subject)
        if not isinstance(said, dict) or set(said) != {"sha256", "weights", "states"}:
            yield f"{where}: not stated; expected sha256, weights and states"
        else:
            different = list(differing(expected, said["states"], said["weights"]))
            yield from (f"{where}: {text}" for text in different)
            if said["sha256"] != expected["sha256"]:
                yield f"{where}: sha256 {shown(said['sha256'])}; the shipped protocol has {expected['sha256']}"
        other = [row for row in of if row.protocol_sha256 != expected["sha256"]]
        if other:
            yield (
                f"{where}: {len(other)} rows, the first {other[0].id}, have protocol_sha256 "
                f"{shown(other[0].protocol_sha256)}; the shipped protocol has {expected['sha256']}"
            )
    yield from (f"{shown(', '.join(subject))}: of no row" for subject in sorted(left))


def _paths(stored: Any) -> Iterator[tuple[str, str, str]]:
    for name, metrics in stored.items() if isinstance(stored, dict) else ():
        for measure, kinds in metrics.items() if isinstance(metrics, dict) else ():
            yield from ((name, measure, kind) for kind in (kinds if isinstance(kinds, dict) else ()))


def _at(stored: Any, subject: Subject) -> Any:
    for name in subject:
        stored = stored.get(name) if isinstance(stored, dict) else None
    return stored
