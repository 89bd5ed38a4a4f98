"""The authors' generators by method and dataset: where they are in the cache, and how they come there."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module, resources
from importlib.util import find_spec
from pathlib import Path

import yaml

from sdm_bench.base.errors import PartialFailure, UserError
from sdm_bench.base.progress import say
from sdm_bench.base.sections import Section
from sdm_bench.models import methods
from sdm_bench.weights.store import cache_folder

FOLDER = "released"


class Source(Section):
    """A released file or folder: its name in the cache, and where a program can bring it from, if one can."""

    file: str
    drive: str | None = None
    drive_folder: str | None = None
    address: str | None = None


@dataclass(frozen=True)
class ReleasedFile:
    """What the cache has of a released generator. path: None where it isn't there."""

    method: str
    dataset: str
    source: Source
    place: Path

    @property
    def path(self) -> Path | None:
        """The file or folder, if it is there."""
        return self.place if self.place.exists() else None

    @property
    def how_to_get(self) -> str:
        """A line that says where it is published and where to put it."""
        about = methods.method(self.method)
        return (
            f"the released {about.title} of {self.dataset}: {about.released} ({about.license}); "
            f"bring it as {self.place}"
        )


@cache
def _registry() -> dict[str, dict[str, Source]]:
    text = resources.files("sdm_bench.weights").joinpath("released.yaml").read_text(encoding="utf-8")
    return {
        method: {name: Source(**fields) for name, fields in datasets.items()}
        for method, datasets in yaml.safe_load(text).items()
    }


def find_released(method: str, dataset: str) -> ReleasedFile:
    """The released generator of a method for a dataset; raises UserError where its authors released none."""
    known = _registry().get(method, {})
    if dataset not in known:
        there = ", ".join(known) or "no dataset"
        raise UserError(f"released checkpoint of {method} for {dataset}: its authors released it for {there}")
    return ReleasedFile(method, dataset, known[dataset], cache_folder() / FOLDER / known[dataset].file)


def fetch_released(method: str, dataset: str) -> Path:
    """The released generator in the cache, brought there where it is missing.

    Raises UserError where only a person can bring it or gdown is not installed, PartialFailure where no one answers.
    """
    found = find_released(method, dataset)
    if found.path is not None:
        return found.path
    source, partial = found.source, found.place.with_name(f".{found.place.name}.part")
    partial.parent.mkdir(parents=True, exist_ok=True)
    try:
        _bring(found, source, partial)
    except UserError:
        raise
    # gdown has errors of its own kinds, which name the file's limits
    except Exception as error:
        first = str(error).strip().partition("\n")[0]
        raise PartialFailure(f"{found.how_to_get} (not downloaded: {first})") from error
    if not partial.exists():
        raise PartialFailure(f"{found.how_to_get} (not downloaded)")
    partial.rename(found.place)
    say(f"{method} for {dataset}: {found.place}")
    return found.place


def _bring(found: ReleasedFile, source: Source, partial: Path) -> None:
    if source.address is not None:
        from sdm_bench.weights.download import download
        from sdm_bench.weights.indexes import new_session

        with new_session() as session:
            download(session, source.address, partial, None)
    elif source.drive is not None:
        _gdown(found, "download")(id=source.drive, output=str(partial), resume=True)
    elif source.drive_folder is not None:
        _gdown(found, "download_folder")(id=source.drive_folder, output=str(partial), resume=True)
    else:
        raise UserError(found.how_to_get)


def _gdown(found: ReleasedFile, function: str) -> Callable[..., object]:
    if find_spec("gdown") is None:
        raise UserError(f"{found.how_to_get}, or install gdown (pip install 'sdm-bench[released]')")
    made: Callable[..., object] = getattr(import_module("gdown"), function)
    return made
