"""Kills: a command that is killed at any moment, and started again, ends in the files of one that nobody disturbed.

`python -m tests.endurance.kills --count 200 --seed 0` kills train, generate, edit, evaluate, report, submit, data toy,
weights import and run with SIGKILL at random moments, once or twice each, starts each again until it ends, and compares
every file byte by byte, but for times. It exits 1 where one differs, is lost, or a temporary file stays. Every command
is a process of its own, forked from one that has imported everything.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from tests.endurance.files import PRELOADED
from tests.endurance.forked import ends_here
from tests.endurance.workspace import make_pairs

MOST_SECONDS = 300
# What differs between two runs of one command: when they were, how long they took, and how often they were tried.
TIMES = re.compile(
    rb"\d{4}-\d\d-\d\dT[\d:.+Z]+"
    rb'|"(?:seconds|core_seconds|steps_per_second|peak_memory|ended|tries|share|written)": [\d.e+-]+'
)
# Curves, in files that are named after the process, locks, times, and another program's cache of fonts.
PASSED_OVER = ("tensorboard", ".lock", "log.txt", "rates", "cost.json", "matplotlib")
PACKAGE = "net-1.0.whl"
SUITE = """
extends: demo
name: suite
datasets: {cityscapes: {toy: {val: 2, size: 64x32}}}
methods: {sdm: null, sdm-guided: null, sdm-concat-guided: null, sdm-concat: {generate: {solver_steps: 2}}}
"""


def _cli(*arguments: str) -> Callable[[], None]:
    def call() -> None:
        from cli import main

        main(list(arguments), prog_name="sdm-bench")

    return call


def _train() -> None:
    from sdm_bench.training.loop import LoopOptions
    from sdm_bench.training.recipes import run_training
    from tests.conftest import tiny_options

    loop = LoopOptions(steps=8, log_every=2, save_every=2, grid_every=100, device="cpu")
    run_training(tiny_options("spade", Path("data")), loop, Path("trained"))


def _evaluate() -> None:
    from tests.conftest import accept_untrained

    accept_untrained(pytest.MonkeyPatch())
    _cli("evaluate", "run", "--metric", "fid", "--metric", "miou", "--segmenter", "toy", "--device", "cpu")()


def _import() -> None:
    from sdm_bench.weights import registry
    from tests.weights.files import entry, numpy_pickle, package

    content, archive = numpy_pickle(), Path(PACKAGE).read_bytes()
    known = {"net": entry(package=package(PACKAGE, archive, "carrier/net.ckpt", content))}
    pytest.MonkeyPatch().setattr(registry, "registry", lambda: known)
    _cli("weights", "import", "net", PACKAGE)()


def _run() -> None:
    from tests.conftest import accept_untrained

    accept_untrained(pytest.MonkeyPatch())
    Path("suite.yaml").write_text(SUITE)
    _cli("run", "suite.yaml", "--offline", "--device", "cpu")()


GENERATE = ("generate", "--method", "sdm", "--checkpoint", "toy", "--dataset", "cityscapes", "--data", "data")
EDIT = ("edit", "--method", "sdm", "--checkpoint", "toy", "--batch-size", "1")
# By name: the command, what of the workspace it needs, and how often it is tried among the others.
COMMANDS: dict[str, tuple[Callable[[], None], tuple[str, ...], int]] = {
    "train": (_train, ("data",), 4),
    "generate": (
        _cli(
            *GENERATE, "--solver-steps", "2", "--seeds", "0-2", "--out", "made", "--device", "cpu", "--batch-size", "2"
        ),
        ("data",),
        4,
    ),
    "edit": (
        _cli(*EDIT, "--pairs", "pairs", "--solver-steps", "2", "--seeds", "0-2", "--out", "made", "--device", "cpu"),
        ("pairs",),
        4,
    ),
    "evaluate": (_evaluate, ("run", "data", "cache"), 4),
    "report": (
        _cli("report", "run", "--out", "report", "--gallery", "report/gallery.html", "--site", "site"),
        ("run", "data"),
        3,
    ),
    "submit": (_cli("submit", "run", "--samples", "--out", "handed/in"), ("run",), 2),
    "data toy": (_cli("data", "toy", "ade20k", "toy", "--train", "3", "--val", "3", "--size", "64x64"), (), 4),
    "weights import": (_import, (PACKAGE,), 4),
    "run": (_run, ("cache",), 1),
}


def make_originals(root: Path) -> None:
    """Writes what the commands need below `root`: data, a run without results, a cache and a package of weights."""
    import torch

    from cli import main
    from sdm_bench.metrics.inception import FIDInception
    from sdm_bench.metrics.lpips_diversity import LPIPS
    from sdm_bench.toy import write_toy
    from sdm_bench.weights import store
    from sdm_bench.weights.registry import entry
    from tests.weights.files import numpy_pickle, wheel

    root.mkdir(parents=True)
    os.chdir(root)
    os.environ[store.CACHE_VARIABLE] = str(root / "cache")
    write_toy("cityscapes", root / "data", {"train": 4, "val": 3}, (32, 64))
    make_pairs(root / "data", root / "pairs")
    Path(PACKAGE).write_bytes(wheel({"carrier/net.ckpt": numpy_pickle()}))
    torch.manual_seed(0)
    store.save(entry("inception-2015-12-05"), FIDInception(classifier=False).state_dict(), "made by a campaign", "0")
    lpips = LPIPS("alex").network.state_dict()
    named = {key: value for key, value in lpips.items() if key.startswith(("net.", "lin")) and "lins." not in key}
    store.save(entry("lpips-alex"), {k: v.abs() for k, v in named.items()}, "made by a campaign", "0")
    sample = ["generate", "--method", "spade", "--checkpoint", "toy", "--dataset", "cityscapes", "--data", "data"]
    main([*sample, "--out", "run", "--device", "cpu"], standalone_mode=False)
    miou = ["evaluate", "run", "--metric", "miou", "--segmenter", "toy", "--device", "cpu"]
    main(miou, standalone_mode=False)
    shutil.rmtree(root / "cache" / "ceilings")


def _in_order(body: bytes) -> bytes:
    """A safetensors file with its header sorted: the library writes metadata in an order that it draws."""
    end = 8 + int.from_bytes(body[:8], "little")
    return json.dumps(json.loads(body[8:end]), sort_keys=True).encode() + body[end:]


class Campaign:
    """Commands killed below the empty folder `root`."""

    def __init__(self, root: Path):
        self.root, self.place = root, root / "killed"
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        made = [sys.executable, "-m", "tests.endurance.kills", "--make", str(root / "originals")]
        subprocess.run(made, check=True, env=environment, stdout=subprocess.DEVNULL)
        for module in (*PRELOADED, "accelerate", "sdm_bench.training.recipes", "sdm_bench.evaluation.lpips"):
            import_module(module)
        self.undisturbed: dict[str, tuple[dict[str, bytes], float]] = {}

    def fresh(self, needs: tuple[str, ...]) -> None:
        """Makes the place in which commands run: what they need and nothing else."""
        shutil.rmtree(self.place, ignore_errors=True)
        (self.place / "tmp").mkdir(parents=True)
        for need in needs:
            source, target = self.root / "originals" / need, self.place / need
            if source.is_dir():
                shutil.copytree(source, target, copy_function=os.link)
            else:
                shutil.copy(source, target)

    def start(self, command: Callable[[], None]) -> int:
        """Runs a command in a fork in the place; returns its process."""
        child = os.fork()
        if child:
            return child
        with ends_here(self.place, self.root / "said", MOST_SECONDS):
            sys.argv = ["sdm-bench"]
            command()
        raise AssertionError("the process has ended")

    def finish(self, command: Callable[[], None]) -> str:
        """Runs a command to its end; returns what it said where that was not a success."""
        _, status = os.waitpid(self.start(command), 0)
        code = os.waitstatus_to_exitcode(status)
        return "" if code == 0 else f"exit code {code}: {(self.root / 'said').read_text(errors='replace')[-1500:]}"

    def files(self) -> dict[str, bytes]:
        """Every file of the place by name, its times taken out of it."""
        found = {}
        for path in sorted(self.place.rglob("*")):
            name = str(path.relative_to(self.place))
            if path.is_file() and not any(part in PASSED_OVER for part in path.parts):
                body = path.read_bytes()
                found[name] = TIMES.sub(b"TIME", _in_order(body) if path.suffix == ".safetensors" else body)
        return found

    def try_once(self, name: str, rng: np.random.Generator) -> tuple[int, list[str]]:
        """Kills a command once or twice, and lets it end; returns the number of kills and what is wrong then."""
        command, needs, _ = COMMANDS[name]
        if name not in self.undisturbed:
            self.fresh(needs)
            start = time.monotonic()
            failed = self.finish(command)
            assert not failed, f"{name}: {failed}"
            self.undisturbed[name] = self.files(), time.monotonic() - start
        expected, seconds = self.undisturbed[name]
        self.fresh(needs)
        kills = 0
        for _ in range(int(rng.integers(1, 3))):
            child = self.start(command)
            time.sleep(rng.uniform(0, seconds))
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            kills += os.WIFSIGNALED(status)
        failed = self.finish(command)
        if failed:
            return kills, [f"{name}: {failed}"]
        found = self.files()
        wrong = [f"{name}: lost {path}" for path in expected.keys() - found.keys()]
        wrong += [f"{name}: left behind {path}" for path in found.keys() - expected.keys()]
        wrong += [f"{name}: differs {path}" for path in expected.keys() & found.keys() if expected[path] != found[path]]
        return kills, wrong


def campaign(count: int, seed: int, root: Path, names: tuple[str, ...] = tuple(COMMANDS)) -> list[str]:
    """Kills until `count` kills have hit a running command; prints them by command, returns what was wrong."""
    work = Campaign(root)
    rng = np.random.default_rng(seed)
    turns = [name for name in names for _ in range(COMMANDS[name][2])]
    kills, complaints, turn = Counter[str](), [], 0
    while kills.total() < count:
        name = names[turn] if turn < len(names) else turns[int(rng.integers(len(turns)))]
        turn += 1
        hit, wrong = work.try_once(name, rng)
        kills[name] += hit
        print(f"{kills.total()} kills after {turn} tries of commands", file=sys.stderr, flush=True)
        complaints += wrong
        for line in wrong:
            print(line, flush=True)
    print(", ".join(f"{name} {kills[name]}" for name in names))
    print(f"{kills.total()} kills, {len(complaints)} complaints")
    return complaints


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=",".join(COMMANDS), help="The commands to kill, separated by commas.")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make_originals(options.make)
        sys.exit()
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(bool(campaign(options.count, options.seed, Path(folder), tuple(options.only.split(",")))))
