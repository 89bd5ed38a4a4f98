"""A measured run, its bundle, and what somebody may do to one."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reports.leaderboard.bundle import write_bundle
from sdm_bench.base.files import sha256_file
from sdm_bench.datasets.known_datasets import DatasetSplit
from sdm_bench.evaluation.evaluate import Evaluation, evaluate
from sdm_bench.results.rows import ResultRow, read_rows, to_csv
from sdm_bench.weights.store import CACHE_VARIABLE
from tests.conftest import accept_untrained
from tests.evaluation.measured import make_run, noisy, real_at

USER, HOST = "mallory77", "box-x9"
METRICS = ["fid", "lpips", "miou"]


@contextmanager
def untrained(cache: Path) -> Iterator[None]:
    """Inside, networks are those of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(cache))
        accept_untrained(patch)
        yield


@contextmanager
def somebody(home: Path, here: Path) -> Iterator[None]:
    """Inside, the machine and its user have names that occur nowhere else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.chdir(here)
        patch.setattr("socket.gethostname", lambda: f"{HOST}.example.org")
        patch.setattr("getpass.getuser", lambda: USER)
        yield


def measured_run(folder: Path, data: Path, cache: Path, seeds: list[int]) -> Path:
    """A run of noisy photographs with the numbers of all metrics."""
    run = make_run(folder, real_at(data), seeds, noisy, data=str(data), weights=str(folder / "unet.safetensors"))
    # of one seed there is no diversity, and the test is short
    metrics, segmenter = (METRICS, "toy") if len(seeds) > 1 else (["fid"], None)
    with untrained(cache):
        assert evaluate(Evaluation(metrics, run, segmenter=segmenter, device="cpu"))[1] == []
    return run


def measured_pictures(images: Path, data: Path, cache: Path, name: str, out: Path) -> Path:
    """The CSV of the FID of somebody's pictures."""
    with untrained(cache):
        asked = Evaluation(
            ["fid"], images=images, where=DatasetSplit("cityscapes", data, None), name=name, track="text", out=out,
            device="cpu",
        )  # fmt: skip
        assert evaluate(asked)[1] == []
    return out


def bundled(runs: list[Path], out: Path, samples: bool = True, **about: str) -> Path:
    """A bundle of runs."""
    return write_bundle(runs, out, {"name": "", "url": "", "note": "", **about}, samples)[0]


def copied(bundle: Path, folder: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(bundle, folder))


def edited(path: Path, change: Callable[[Any], Any]) -> None:
    """Changes the value in a file of JSON."""
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def sealed(bundle: Path) -> None:
    """Has bundle.json list what is there, as somebody would who wants a change to go unnoticed."""
    files = sorted(path for path in bundle.rglob("*") if path.is_file() and path.name != "bundle.json")
    listed = {
        path.relative_to(bundle).as_posix(): {"sha256": sha256_file(path), "bytes": path.stat().st_size}
        for path in files
    }
    edited(bundle / "bundle.json", lambda about: about.update(files=listed))


def with_rows(bundle: Path, change: Callable[[ResultRow], dict[str, Any]]) -> None:
    """Changes fields of rows; their ids and the digests of files fit again."""
    rows = read_rows(bundle / "results.csv")
    made = [ResultRow.model_construct(**(row.model_dump() | change(row))) for row in rows]
    (bundle / "results.csv").write_text(to_csv(made))
    sealed(bundle)


def set_folder(bundle: Path) -> Path:
    """The folder of the only sample set."""
    (found,) = (bundle / "sets").iterdir()
    return found
