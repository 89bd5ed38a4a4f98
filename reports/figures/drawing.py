"""A figure with the data it was drawn from, as files that are the same each time they are written."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from reports.figures.style import styled
from reports.table import harmless

# No file says when it was written.
METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
}


@dataclass(frozen=True)
class Drawing:
    """name: of its files. data: what is drawn, a line a mark or picture. alt: what is seen, for who can't see it."""

    name: str
    figure: Figure
    data: pd.DataFrame
    alt: str

    def files(self, formats: Sequence[str]) -> dict[str, bytes]:
        """`<name>.<format>` of each format and `<name>.csv`: the content of each."""
        pictures = {f"{self.name}.{kind}": self._written(kind) for kind in formats}
        csv = self.data.map(harmless).to_csv(index=False, lineterminator="\n")
        return {**pictures, f"{self.name}.csv": csv.encode()}

    def _written(self, kind: str) -> bytes:
        stream = io.BytesIO()
        with styled():
            self.figure.savefig(stream, format=kind, dpi=self.figure.dpi, metadata=METADATA[kind])
        return stream.getvalue()
