"""Damaged files: each has the program say in a line what is wrong with which file, at once and without harm.

`python -m tests.endurance.files --count 1000 --seed 0` prints what it tried, by kind, and exits 1 where one of them was
met with a traceback, with silence where it is sure to be noticed, took over 10 s or 2 GiB, or left anything behind.
Every file is a process of its own, forked from one that has imported everything.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np

from tests.endurance import damage as m
from tests.endurance.damage import Mutation
from tests.endurance.forked import ends_here
from tests.endurance.workspace import record, result_id

# Of the processor, so that a busy machine changes nothing; and seconds after which a command is taken to hang.
SECONDS, HANGS = 10, 120
MEMORY = 2 << 30
# What commands import when they are called, so that every fork has it.
PRELOADED = (
    *(
        f"sdm_bench.commands.{name}"
        for name in ("data", "edit", "evaluate", "explain", "generate", "leaderboard", "report", "stats", "weights")
    ),
    *(
        "reports.report",
        "reports.leaderboard.again",
        "sdm_bench.evaluation.evaluate",
        "sdm_bench.sampling.generate",
        "segmenters.mmsegmentation",
    ),
    *("sdm_bench.sampling.edit", "sdm_bench.evaluation.editing"),
    *("sdm_bench.evaluation.miou", "sdm_bench.models.spade", "segmenters.unet", "sdm_bench.datasets.prepare"),
)
DATA = ("--dataset", "cityscapes", "--data", "data", "--device", "cpu")
CHECKPOINT = ("generate", "--method", "spade", *DATA, "--out", "made", "--checkpoint")
CHECK = ("leaderboard", "check", "bundle")
RESUMED = ("generate", "trained", "--data", "data", "--out", "made", "--device", "cpu")
EDITS = ("evaluate", "edits", "--metric", "edit", "--device", "cpu")
EDIT = ("edit", "--method", "spade", "--checkpoint", "toy", "--out", "made", "--device", "cpu")
MIOU = ("evaluate", "run", "--metric", "miou", "--segmenter", "toy", "--device", "cpu")


@dataclass(frozen=True)
class Kind:
    """A file of the workspace, the command that reads it, and what is put in its place, in groups."""

    file: str
    command: tuple[str, ...]
    needs: tuple[str, ...]
    groups: tuple[dict[str, Mutation], ...]


def _json(file: str, command: tuple[str, ...], *needs: str) -> Kind:
    return Kind(file, command, needs, (m.ANY, m.JSON, m.SWAPPED, m.MILD))


def _checkpoint(file: str, *more: dict[str, Mutation]) -> Kind:
    return Kind(file, (*CHECKPOINT, file), ("data",), (m.ANY, m.TENSORS, m.MILD, *more))


KINDS = {
    "picture": Kind("own/images/a.png", ("data", "verify", "folder", "own"), ("own",), (m.ANY, m.PICTURE, m.MILD)),
    "label map": Kind("own/labels/a.png", ("data", "verify", "folder", "own"), ("own",), (m.ANY, m.PICTURE, m.MILD)),
    "sample": Kind("run/samples/seed-000/{sample}.png", MIOU, ("run", "data"), (m.ANY, m.PICTURE, m.MILD)),
    "classes": Kind("own/classes.yaml", ("data", "verify", "folder", "own"), ("own",), (m.ANY, m.YAML, m.MILD)),
    "results": Kind("run/results.csv", ("report", "run", "--no-figure"), ("run",), (m.ANY, m.MILD)),
    "numbers": Kind("run/per-image.csv", MIOU, ("run", "data"), (m.ANY, m.MILD)),
    "run.json": _json("run/run.json", MIOU, "run", "data"),
    "record": _json("run/provenance/{record}", ("explain", "{id}", "run"), "run"),
    "bundle.json": _json("bundle/bundle.json", CHECK, "bundle"),
    "protocols.json": _json("bundle/protocols.json", CHECK, "bundle"),
    "bundled rows": Kind("bundle/results.csv", CHECK, ("bundle",), (m.ANY, m.MILD)),
    "train.json": _json("trained/train.json", RESUMED, "trained", "data"),
    "state.json": _json("trained/checkpoints/step-00000002/state.json", RESUMED, "trained", "data"),
    "network": Kind(
        "trained/checkpoints/step-00000002/network.safetensors",
        RESUMED,
        ("trained", "data"),
        (m.ANY, m.MILD),
    ),
    "weights": Kind(
        "weights.safetensors", (*CHECKPOINT, "weights.safetensors"), ("data", "weights.json"), (m.ANY, m.MILD)
    ),
    "weights in 8 bits": Kind(
        "eight.safetensors", (*CHECKPOINT, "eight.safetensors"), ("data", "eight.json"), (m.ANY, m.MILD)
    ),
    "weights.json": _json("weights.json", (*CHECKPOINT, "weights.safetensors"), "data", "weights.safetensors"),
    "zip.pth": _checkpoint("zip.pth", m.ARCHIVE),
    "legacy.pth": _checkpoint("legacy.pth"),
    "namespace.pth": _checkpoint("namespace.pth"),
    "pack.zip": _checkpoint("pack.zip", m.ARCHIVE),
    "pack.tar.gz": _checkpoint("pack.tar.gz", m.ARCHIVE),
    "edit.json": _json("edits/edit.json", EDITS, "edits"),
    "mask": Kind("edits/masks/a.png", EDITS, ("edits",), (m.ANY, m.PICTURE, m.MILD)),
    "edited label map": Kind("pairs/edited/a.png", (*EDIT, "--pairs", "pairs"), ("pairs",), (m.ANY, m.PICTURE, m.MILD)),
    "imported": Kind("zip.pth", ("weights", "import", "lpips-vgg", "zip.pth"), (), (m.ANY, m.TENSORS, m.ARCHIVE)),
    "statistics": Kind("own.npz", ("stats", "show", "own.npz"), (), (m.ANY, m.ARRAYS, m.ARCHIVE, m.MILD)),
    "pair": Kind("pair/s.npy", ("stats", "show", "pair"), ("pair",), (m.ANY, m.ARRAYS, m.MILD)),
    "toy.json": _json("data/toy.json", ("data", "toy", "cityscapes", "data", "--size", "64x32"), "data"),
    "prepared.json": _json(
        "prepared/prepared.json", ("data", "prepare", "celebamask_hq", "release", "prepared"), "release", "prepared"
    ),
    "cached": _json("cache/weights/vgg19.json", ("weights", "verify", "vgg19"), "cache"),
}
# What is sure to be noticed wherever it lies; other kinds of damage may leave a file as good as it was.
HARMLESS = {*m.MILD, *m.SWAPPED}


@dataclass(frozen=True)
class Outcome:
    """What became of one file: the exit code, what was printed, seconds, bytes, and what was left outside its place."""

    kind: str
    damage: str
    code: int
    said: str
    seconds: float
    memory: int
    left: list[str]

    def complaint(self, file: Path) -> str:
        """What is wrong with how the program met it; empty where nothing is. The file, or its folder, is named."""
        wrong = []
        if "Traceback" in self.said or self.code not in (0, 1, 2):
            wrong.append(f"exit code {self.code}")
        passed_over = any(file.name in line and ": broken (" in line for line in self.said.splitlines())
        if self.code == 0 and self.damage not in HARMLESS and not passed_over:
            wrong.append("not noticed")
        if self.code in (1, 2) and not ({file.name, file.parent.name} & set(_words(self.said))):
            wrong.append("the file is not named")
        if self.seconds > SECONDS or self.memory > MEMORY:
            wrong.append(f"{self.seconds:.1f} s, {self.memory >> 20} MiB")
        return "; ".join([*wrong, *(f"left behind: {path}" for path in self.left)])


def _words(text: str) -> list[str]:
    """The names of files and folders in a text."""
    return [part for word in text.split() for part in word.strip(":,.;'()").split("/")]


def campaign(count: int, seed: int, root: Path) -> list[str]:
    """Tries `count` files in the empty folder `root`; prints a line a kind and returns a line for each complaint."""
    originals = root / "originals"
    # in another process: forks of one whose libraries have computed with threads may wait for ever
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-m", "tests.endurance.workspace", str(originals)], check=True, env=environment)
    for module in PRELOADED:
        import_module(module)
    sample = sorted((originals / "run" / "samples" / "seed-000").iterdir())[0].stem
    names = {"id": result_id(originals), "record": record(originals).name, "sample": sample}
    rng = np.random.default_rng(seed)
    tries = [(name, damage) for name, kind in KINDS.items() for group in kind.groups for damage in group]
    order = [tries[int(index)] for index in rng.permutation(len(tries))]
    # every file of its own kind first
    order = [*{name: (name, damage) for name, damage in order}.values(), *order]
    outcomes, complaints = Counter[tuple[str, int]](), []
    for number in range(count):
        name, damage = order[number % len(order)]
        kind = KINDS[name]
        found = _try(root, name, damage, names, np.random.default_rng((seed, number)))
        outcomes[name, found.code] += 1
        if number % 100 == 99:
            print(f"{number + 1} files", file=sys.stderr, flush=True)
        complaint = found.complaint(Path(kind.file.format(**names)))
        if complaint:
            complaints.append(f"{number}: {name}, {damage}: {complaint}\n    {found.said.strip()[-1500:]}")
            print(complaints[-1], flush=True)
    for name in KINDS:
        codes = {code: number for (of, code), number in sorted(outcomes.items()) if of == name}
        print(f"{name}: " + ", ".join(f"{number} with exit code {code}" for code, number in codes.items()))
    print(f"{count} files, {len(complaints)} complaints")
    return complaints


def _try(root: Path, name: str, damage: str, names: dict[str, str], rng: np.random.Generator) -> Outcome:
    kind, place = KINDS[name], root / "outside" / "place"
    shutil.rmtree(root / "outside", ignore_errors=True)
    (place / "tmp").mkdir(parents=True)
    file = kind.file.format(**names)
    for need in {*kind.needs, file.split("/")[0]}:
        source, target = root / "originals" / need, place / need
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    mutate = next(group[damage] for group in kind.groups if damage in group)
    target = place / file
    target.write_bytes(mutate(target.read_bytes(), rng, root / "outside"))
    code, said, seconds, memory = _forked([each.format(**names) for each in kind.command], place, root / "said")
    left = [str(path.relative_to(root)) for path in (root / "outside").iterdir() if path != place]
    left += [str(path.relative_to(root)) for path in (place / "tmp").iterdir()]
    left += [str(path.relative_to(root)) for path in place.rglob(".*.part")]
    return Outcome(name, damage, code, said, seconds, memory, left)


def _forked(arguments: list[str], place: Path, said: Path) -> tuple[int, str, float, int]:
    """The exit code (negative: the signal), what was printed, seconds of the processor and the most bytes."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _command(arguments, place, said)
    _, status, usage = os.wait4(child, 0)
    text = said.read_text(errors="replace")
    return os.waitstatus_to_exitcode(status), text, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def _command(arguments: list[str], place: Path, said: Path) -> None:
    """Runs a command in this process, and ends it."""
    from cli import main

    with ends_here(place, said, HANGS):
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, held + MEMORY))
        main(arguments, prog_name="sdm-bench")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(bool(campaign(options.count, options.seed, Path(folder))))
