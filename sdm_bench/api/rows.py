"""Whole measurements: rows as a table of pandas, which the reports write as LaTeX."""

from collections.abc import Sequence
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from reports.latex import latex
from reports.tables import make_tables
from sdm_bench.api.arguments import in_python, naming_arguments
from sdm_bench.api.pictures import Place
from sdm_bench.base.errors import PartialFailure, UserError
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.datasets.known_datasets import DatasetSplit
from sdm_bench.evaluation.evaluate import Evaluation
from sdm_bench.evaluation.evaluate import evaluate as run_evaluation
from sdm_bench.protocols.protocols import DEFAULT
from sdm_bench.results.rows import COLUMNS, OPTIONAL, ResultRow
from sdm_bench.sampling.folders import SampleFolder


class Rows(pd.DataFrame):
    """One row a number, with everything that decides it: the columns of results.csv, missing numbers as NaN.

    Any selection of the rows is one too.
    """

    @property
    def _constructor(self) -> type["Rows"]:
        return Rows

    @staticmethod
    def of(rows: Sequence[ResultRow]) -> "Rows":
        """The table of result rows."""
        return Rows([{"id": row.id, **row.model_dump()} for row in rows], columns=list(COLUMNS))

    def results(self) -> list[ResultRow]:
        """The result rows; raises UserError where columns are missing."""
        lacking = [name for name in COLUMNS if name not in self.columns]
        if lacking:
            raise UserError(f"rows without {', '.join(lacking)}; choose columns with pandas.DataFrame(rows)")
        return [ResultRow(**{name: _cell(name, value) for name, value in each.items()}) for each in self._records()]

    def _records(self) -> list[dict[str, Any]]:
        return pd.DataFrame(self)[list(ResultRow.model_fields)].to_dict("records")  # type: ignore[return-value]

    def to_latex(self, table: str = "comparison") -> str:  # type: ignore[override]
        r"""A table of the reports as LaTeX: their names, digits, notes and tracks. The first line says which packages.

        table: `comparison`, `companions`, `ablation` or `sensitivity`. Raises UserError where there is nothing for it.
        `pandas.DataFrame(rows).to_latex()` has all columns as they are.
        """
        return "\n".join(latex(each.shown()) for each in make_tables(table, self.results()))


class NotComputed(PartialFailure):
    """Some of the numbers could not be computed; the message lists them. rows: those that could."""

    def __init__(self, message: str, rows: Rows):
        super().__init__(message)
        self.rows = rows


@naming_arguments
def evaluate(
    pictures: Place | Sequence[Place],
    dataset: SemanticDataset | None = None,
    metrics: str | Sequence[str] = "fid",
    protocol: str = DEFAULT,
    *,
    name: str | None = None,
    seeds: Sequence[int] | None = None,
    segmenter: str | None = None,
    predictions: Place | None = None,
    statistics: Place | None = None,
    captions: Place | None = None,
    track: str | None = None,
    resolution_note: str | None = None,
    by_order: bool = False,
    allow_incomplete: bool = False,
    fd_infinity: bool = False,
    out: Place | None = None,
    device: str = "auto",
) -> Rows:
    r"""Measures pictures of a split's label maps, as `sdm-bench evaluate` does; returns one row a number.

    pictures: a folder that `sdm-bench generate` wrote, which is known by its run.json; or somebody's: a folder, a
    pattern such as "out/{id}_{sample}.png", an .npz or .npy, or several of which each is one sample of every label map.
    dataset: an open split; of a run by default the one it was sampled on. metrics: one or several of `fid`, `lpips`,
    `miou`, `clip_score`, `cmmd`. protocol: its name, or `all`. name: what tables call somebody's pictures. out: the CSV
    that rows are added to; None: nothing is written. The others are the command's options of the same name.
    Raises UserError for what is wrong before anything is measured, and NotComputed, which has the other rows, where a
    number could not be computed.

    >>> import sdm_bench as sb
    >>> from PIL import Image
    >>> from pathlib import Path
    >>> sb.write_toy("cityscapes", "scenes", {"val": 4}, size=(32, 64))
    >>> scenes = sb.datasets.open("cityscapes", "scenes")
    >>> Path("mine").mkdir()
    >>> for scene in scenes:
    ...     Image.fromarray(scene.image).save(f"mine/{scene.id}.png")
    >>> rows = sb.evaluate("mine", scenes, metrics="miou", segmenter="toy")
    >>> rows[rows.metric == "miou"][["method", "num_images"]].to_dict("list")
    {'method': ['mine', 'real photographs'], 'num_images': [4, 4]}
    >>> print(rows.to_latex().splitlines()[1][:13])
    \begin{table}
    """
    chosen = [metrics] if isinstance(metrics, str) else list(metrics)
    rows, failures = measured(
        pictures,
        dataset,
        chosen,
        protocol,
        name=name,
        seeds=seeds,
        segmenter=segmenter,
        predictions=_path(predictions),
        statistics=None if statistics is None else str(statistics),
        captions=_path(captions),
        track=track,
        resolution_note=resolution_note,
        by_order=by_order,
        allow_incomplete=allow_incomplete,
        fd_infinity=fd_infinity,
        out=_path(out),
        stored=out is not None,
        device=device,
    )
    if failures:
        raise NotComputed("not computed:\n" + "\n".join(f"  {in_python(line)}" for line in failures), Rows.of(rows))
    return Rows.of(rows)


def measured(
    pictures: Place | Sequence[Place],
    dataset: SemanticDataset | None,
    metrics: Sequence[str],
    protocol: str,
    **options: Any,
) -> tuple[list[ResultRow], list[str]]:
    """The rows of pictures, and a line for all that could not be computed. options: fields of Evaluation."""
    return run_evaluation(asked(pictures, dataset, metrics, protocol=protocol, **options))


def asked(
    pictures: Place | Sequence[Place], dataset: SemanticDataset | None, metrics: Sequence[str], **options: Any
) -> Evaluation:
    """What is to be measured of a run's folder or of somebody's pictures; options: fields of Evaluation."""
    assert options.keys() <= {field.name for field in fields(Evaluation)}
    where = DatasetSplit(split=None) if dataset is None else _split(dataset)
    run = Path(pictures) if isinstance(pictures, str | PathLike) and SampleFolder(Path(pictures)).exists else None
    if run is None and dataset is None:
        raise UserError(f"dataset: which label maps are the pictures in {pictures} of? Only a run's folder says it")
    places = pictures if isinstance(pictures, str | PathLike) else list(pictures)
    images: Any = None if run is not None else places
    return Evaluation(metrics, run=run, images=images, where=where, **options)


def _split(dataset: SemanticDataset) -> DatasetSplit:
    """Where a dataset is; raises UserError for one that holds other examples than lie there."""
    if not isinstance(dataset, SemanticDataset):
        raise UserError(f"dataset: {type(dataset).__name__}; expected what sdm_bench.datasets.open gives")
    where = DatasetSplit(dataset.name, dataset.root, dataset.split)
    if where.open().records != dataset.records:
        raise UserError(f"dataset: other examples than the {dataset.split} split in {dataset.root} has; open it again")
    return where


def _path(place: Place | None) -> Path | None:
    return None if place is None else Path(place)


def _cell(name: str, value: Any) -> Any:
    """A cell as rows have it: what pandas makes of a missing number is None again."""
    return None if name in OPTIONAL and pd.isna(value) else value
