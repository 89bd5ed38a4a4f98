"""Statistics from the command line: the examples of the help work, and nothing is ignored or overwritten."""

import shlex
from pathlib import Path

import click
import numpy as np
import pytest

from cli import main
from sdm_bench.base.files import write_png
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.datasets.transforms import Resized, Transform
from sdm_bench.toy import write_toy
from sdm_bench.weights.store import CACHE_VARIABLE
from tests.commands.test_commands import leaves, sdm_bench
from tests.conftest import accept_untrained
from tests.evaluation.measured import make_run, noisy


@pytest.fixture
def pictures(untrained_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three pictures, in a working folder of the test's own."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "weights").symlink_to(untrained_cache / "weights")
    accept_untrained(monkeypatch)
    monkeypatch.chdir(tmp_path)
    for k in range(3):
        pixels = np.random.default_rng(k).integers(0, 256, (8, 8, 3)).astype(np.uint8)
        write_png(tmp_path / "FOLDER" / f"{k}.png", pixels)
    return tmp_path / "FOLDER"


def examples() -> list[str]:
    """What the helps of the group and of its commands show."""
    epilogs: dict[str, None] = {}
    for path in [path for path in leaves(main) if path[:1] == ("stats",)]:
        command: click.Command = main
        for name in path:
            assert isinstance(command, click.Group)
            command = command.get_command(click.Context(command), name) or command
        epilogs |= dict.fromkeys(line.strip() for line in (command.epilog or "").splitlines() if "sdm-bench " in line)
    return list(epilogs)


@pytest.mark.usefixtures("pictures")
def test_every_example_of_the_help_works_in_the_order_shown(tmp_path: Path) -> None:
    write_toy("ade20k", tmp_path / "DIR", {"val": 3}, (32, 32))
    transform = Transform("sdm", (32, 32), keeps_aspect=False, training=False)
    real = Resized(open_dataset("ade20k", tmp_path / "DIR", "val"), transform)
    about = {"dataset": "ade20k", "data": str(tmp_path / "DIR"), "image_size": (32, 32)}
    make_run(tmp_path / "runs" / "inade", real, [0], noisy, **about)
    folder = tmp_path / "train_mu_si" / "ade20k"
    folder.mkdir(parents=True)
    np.save(folder / "m.npy", np.zeros(2048))
    np.save(folder / "s.npy", np.eye(2048))
    shown = examples()
    assert [line.split()[1:3] for line in shown].count(["stats", "export"]) == 2
    for line in shown:
        sdm_bench(*shlex.split(line)[1:])


def test_options_of_photographs_are_refused_with_pictures(pictures: Path, toy_cityscapes: Path) -> None:
    for option in (("--data", toy_cityscapes), ("--split", "train"), ("--split", "val"), ("--image-size", 32)):
        output = sdm_bench("stats", "export", "a.npz", "--images", pictures, *option, code=2).output
        assert f"{option[0]} {option[1]}: of a dataset's photographs; --images are taken as they are" in output
        assert not Path("a.npz").exists()


def test_statistics_that_are_there_are_not_overwritten(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sdm_bench("stats", "export", "a.npz", "--images", pictures)
    before = Path("a.npz").read_bytes()
    monkeypatch.setattr("sdm_bench.evaluation.statistics.extract", lambda *_: pytest.fail("work has begun"))
    output = sdm_bench("stats", "export", "a.npz", "--images", pictures, code=2).output
    assert "a.npz: there already; delete it or choose another name" in output
    assert Path("a.npz").read_bytes() == before
    output = sdm_bench("stats", "export", "a.txt", "--images", pictures, code=2).output
    assert "a.txt: statistics are written to a file that ends in .npz" in output
