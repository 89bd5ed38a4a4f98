"""A participant's answers on disk: a line each, which counts once the disk has it."""

import os
import threading
from pathlib import Path

from reports.study.answers import HEADER, Answer, Sheet, read_sheets_of
from reports.study.key import Key
from reports.study.links import Link
from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import say


class AnsweredAlreadyError(Exception):
    """The pair at this position has another answer."""


class WrongAnswerError(Exception):
    """The answer can't be the participant's next."""


class Book:
    """The answers of one link. Raises UserError for a file that isn't this participant's."""

    def __init__(self, folder: Path, key: Key, link: Link):
        self.path = folder / f"{link.participant}.csv"
        self.key = key
        self.sheet = Sheet(link.participant, link.form, link.seed)
        self._lock = threading.Lock()
        if self.path.exists():
            _mend(self.path)
        if self.path.exists():
            sheets = read_sheets_of(self.path, key)
            other = {*sheets} - {link.participant}
            if other:
                raise UserError(f"{self.path}: answers of {', '.join(sorted(other))}; expected {link.participant}")
            self.sheet = sheets.get(link.participant, self.sheet)

    @property
    def complete(self) -> bool:
        """Whether the link is used up."""
        return self.sheet.complete(self.key)

    def add(self, answer: Answer) -> None:
        """Stores an answer, or nothing where the very same is stored. When this returns, no crash can lose it.

        Raises AnsweredAlreadyError, WrongAnswerError, and OSError where the disk refuses.
        """
        with self._lock:
            there = self.sheet.answers
            if answer.participant == self.sheet.participant and answer.position <= len(there):
                if answer != there[answer.position - 1]:
                    raise AnsweredAlreadyError(f"position {answer.position} is answered already")
                return
            problem = self.sheet.wrong(answer, self.key)
            if problem:
                raise WrongAnswerError(problem)
            _append(self.path, answer.line() if there else HEADER + answer.line())
            there.append(answer)


def _append(path: Path, text: str) -> None:
    """Adds whole lines to a file and waits for the disk; if that fails, the file is as it was."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(handle).st_size
        try:
            rest = text.encode()
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, size)
            raise
    finally:
        os.close(handle)
    if size == 0:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Has the disk know the names in a folder too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _mend(path: Path) -> None:
    """Removes what a killed server had begun to write: it was never acknowledged, and the page sends it again."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole == len(data):
        return
    say(f"{path}: the last line was cut off when the server was killed; removed, its answer never counted")
    if whole <= len(HEADER):
        path.unlink()
        return
    with path.open("r+b") as stream:
        stream.truncate(whole)
        os.fsync(stream.fileno())
