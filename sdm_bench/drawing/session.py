"""What the drawing page works on: one picture, its label map, the edits that were asked for, one at a time."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import sha256_lines, write_png
from sdm_bench.base.progress import say
from sdm_bench.datasets.base import Example, Record
from sdm_bench.datasets.pairs import EditPair, continued_instances, dilated
from sdm_bench.sampling.edit import OpenedEditor
from sdm_bench.sampling.edit_folders import EditFolder
from sdm_bench.sampling.editor import filled

MOST_SEEDS, MOST_MARGIN = 8, 64


class Busy(UserError):
    """Another edit is being made."""


class Cancelled(Exception):
    """The edit was cancelled; not an error."""


@dataclass
class Job:
    """One edit for some seeds. done: of `steps`, over all seeds. state: running, done, cancelled or failed."""

    pair: EditPair
    margin: int
    seeds: Sequence[int]
    steps: int
    done: int = 0
    state: str = "running"
    error: str = ""
    pictures: dict[int, np.ndarray] = field(default_factory=dict)
    saved: str = ""
    cancel: threading.Event = field(default_factory=threading.Event)


class Session:
    """Edits of one source. opened: what edits. out: where edits are saved, a folder each. command: for their record."""

    def __init__(self, opened: OpenedEditor, source: Example, out: Path, command: str = ""):
        assert source.image is not None
        self.opened, self.source, self.out, self.command = opened, source, out, command
        self.jobs: list[Job] = []
        self._lock = threading.Lock()

    def start(self, label: np.ndarray, seeds: Sequence[int], margin: int) -> int:
        """Begins an edit to the label map (H, W) in a thread of its own; returns its number.

        Raises Busy while another one runs, and UserError for what can't be edited.
        """
        pair = self._pair(label, margin)
        if not 1 <= len(seeds) <= MOST_SEEDS or any(seed < 0 for seed in seeds):
            raise UserError(f"seeds {list(seeds)[:10]}: expected one to {MOST_SEEDS} numbers from 0 on")
        with self._lock:
            if any(job.state == "running" for job in self.jobs):
                raise Busy("an edit is being made; wait for it or cancel it")
            job = Job(pair, margin, list(dict.fromkeys(seeds)), self.opened.editor.evaluations)
            job.steps *= len(job.seeds)
            self.jobs.append(job)
            number = len(self.jobs) - 1
        threading.Thread(target=self._make, args=(job,), daemon=True).start()
        return number

    def job(self, number: int) -> Job:
        """An edit by its number; raises UserError where there is none."""
        if not 0 <= number < len(self.jobs):
            raise UserError(f"edit {number}: there are {len(self.jobs)}")
        return self.jobs[number]

    def cancel(self) -> None:
        """Ends the edit that is being made, if any, at its next step."""
        for job in self.jobs:
            job.cancel.set()

    def save(self, number: int) -> Path:
        """Writes an edit that is done as `sdm-bench edit` does, into a folder of its own, once; returns that."""
        job = self.job(number)
        with self._lock:
            if job.state != "done":
                raise UserError(f"edit {number}: {job.state}; only what is done is saved")
            if job.saved:
                return Path(job.saved)
            taken = [path.name for path in self.out.glob("drawn-*")] if self.out.is_dir() else []
            place = next(n for n in range(1, len(taken) + 2) if f"drawn-{n:03d}" not in taken)
            target = EditFolder(self.out / f"drawn-{place:03d}")
            contents = [job.pair.source.label, job.pair.edited.label, job.pair.erased, self.source.image]
            digest = sha256_lines([self.source.id, *(each.tobytes().hex() for each in contents if each is not None)])
            options = self.opened.options(digest, digest, self.out, 1, job.margin)
            self.opened.begin(target, options, job.seeds, self.command, [job.pair])
            for seed, picture in job.pictures.items():
                write_png(target.sample(self.source.id, seed), picture)
            job.saved = str(target.folder)
        say(f"{target.folder}: saved")
        return target.folder

    def _pair(self, label: np.ndarray, margin: int) -> EditPair:
        known = len(self.opened.reader.classes)
        if label.shape != self.source.label.shape or label.min() < 0 or label.max() >= known:
            height, width = self.source.label.shape
            raise UserError(f"label map {label.shape}: expected {height} rows of {width} classes 0..{known - 1}")
        if not 0 <= margin <= MOST_MARGIN:
            raise UserError(f"margin {margin}: expected 0 to {MOST_MARGIN} pixels")
        erased = label != self.source.label
        if not erased.any():
            raise UserError("nothing is painted: the label map is that of the picture")
        record = Record(self.source.id, None, Path(), None)
        instance = self.opened.reader.instances(record, label)
        if instance is None and self.source.instance is not None:
            instance = continued_instances(self.source.label, self.source.instance, label)
        edited = replace(self.source, label=label, instance=instance)
        return EditPair(self.source, edited, dilated(erased, margin))

    def _make(self, job: Job) -> None:
        def each(state: object) -> None:
            job.done += 1
            if job.cancel.is_set():
                raise Cancelled

        try:
            for seed in job.seeds:
                made = self.opened.editor.edit(filled([job.pair], 1), seed, each)
                job.pictures[seed] = made[0]
                job.done = len(job.pictures) * self.opened.editor.evaluations
                if job.cancel.is_set():
                    raise Cancelled
        except Cancelled:
            job.state = "cancelled"
        except Exception as error:  # whatever it is, the page has to say so
            job.error = error.message if isinstance(error, click.ClickException) else f"{type(error).__name__}: {error}"
            job.state = "failed"
        else:
            job.state = "done"


def described(opened: OpenedEditor) -> dict[str, Any]:
    """What edits, in words for the page."""
    about, sampling = opened.trained.about, opened.sampling
    solver = f"{sampling.solver}, {sampling.solver_steps} steps" if sampling.solver else ""
    guided = f"guidance {sampling.guidance:g}" if (sampling.guidance or 0) > 1 else ""
    parts = [about.method, "re-synthesis" if opened.editor.how is None else "", solver, guided]
    return {"method": ", ".join(part for part in parts if part), "dataset": about.dataset}
