"""Released checkpoints as their authors packed them: a file, a folder, or a tar or zip archive of either.

A pack may hold the networks of several datasets, of several moments of a training, and discriminators. The generator's
file is told by its name: `*_net_G.pth` (pix2pixHD, SPADE and their descendants), `*_EMA.pth` or `*_G.pth` (OASIS),
`ema_*.pt` (SDM); an encoder's is `*_net_E.pth` or `*_net_IE.pth` beside it.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from sdm_bench.base.archives import Budget, is_archive, members, unpack_member
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import refuse_special
from sdm_bench.base.temporary import temporary_folder
from sdm_bench.base.tensors import Tensors, read_tensors

# Names of generators' files; where several kinds lie side by side, the first kind is the one that is sampled.
GENERATORS = (r"ema_.*\.pt", r".*_EMA\.pth", r".*_net_G\.pth", r".*_G\.pth")
ENCODERS = (r".*_net_E\.pth", r".*_net_IE\.pth")
MOMENTS = ("best", "latest")
# What folders and files are called in packs of several datasets.
DATASETS = {
    "ade20k": "ade",
    "celebamask_hq": "celeb",
    "cityscapes": "city|(^|[/_])cs_",
    "coco_stuff": "coco",
}
LISTED = 10


class Released(NamedTuple):
    """The files of one trained network."""

    generator: Path
    encoder: Path | None

    def tensors(self, raw: bool = False) -> tuple[Tensors, Tensors]:
        """The generator's and the encoder's (empty without one) state dicts; raw: not the generator's average."""
        return read_tensors(self.generator, raw), {} if self.encoder is None else read_tensors(self.encoder)


@contextmanager
def released(path: Path, dataset: str) -> Iterator[Released]:
    """The files for `dataset` in the pack at `path`; those of an archive exist inside the block alone.

    Raises UserError where there is no generator for it, or more than one, and RefusedFile for an archive that is broken
    or would unpack to far more than weights do.
    """
    refuse_special(path)
    if path.is_dir():
        yield _chosen(path, [file for file in path.rglob("*") if file.is_file()], path, dataset)
    elif is_archive(path):
        with temporary_folder(Path(tempfile.gettempdir()), "sdm-bench-unpacked") as folder:
            _unpack(path, folder, Budget.of(path))
            yield _chosen(path, [file for file in folder.rglob("*") if file.is_file()], folder, dataset)
    else:
        yield Released(path, _encoder_beside(path))


def _chosen(path: Path, files: list[Path], root: Path, dataset: str) -> Released:
    """The generator among `files` below `root`, and the encoder beside it; `path` is what errors name."""
    every = sorted(file for file in files if _kind(file, GENERATORS) is not None)
    if not every:
        raise UserError(f"{path}: no generator in it; expected a file like latest_net_G.pth, best_EMA.pth or ema_*.pt")
    pattern = re.compile(DATASETS.get(dataset, re.escape(dataset)), re.IGNORECASE)
    named = [file for file in every if pattern.search(str(file.relative_to(root)))]
    others = [file for file in every if any(re.search(p, str(file.relative_to(root)), re.I) for p in DATASETS.values())]
    candidates = named or [file for file in every if file not in others]
    if not candidates:
        raise UserError(f"{path}: nothing for {dataset} in it; found {_listed(every, root)}")
    best = min(_rank(file) for file in candidates)
    first = [file for file in candidates if _rank(file) == best]
    if len(first) > 1:
        raise UserError(f"{path}: several generators in it; unpack it and name one of {_listed(first, root)}")
    return Released(first[0], _encoder_beside(first[0]))


def _rank(file: Path) -> tuple[int, int]:
    kind = _kind(file, GENERATORS)
    assert kind is not None
    moment = next((number for number, name in enumerate(MOMENTS) if file.name.startswith(name)), len(MOMENTS))
    return kind, moment


def _kind(file: Path | PurePosixPath, patterns: tuple[str, ...]) -> int | None:
    return next((number for number, pattern in enumerate(patterns) if re.fullmatch(pattern, file.name)), None)


def _encoder_beside(generator: Path) -> Path | None:
    match = re.fullmatch(r"(.*_net_)G(\.pth)", generator.name)
    if match is None:
        return None
    names = (generator.with_name(f"{match[1]}{letter}{match[2]}") for letter in ("E", "IE"))
    return next((file for file in names if file.is_file()), None)


def _listed(files: list[Path], root: Path) -> str:
    names = [str(file.relative_to(root)) for file in files]
    return ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")


def _unpack(path: Path, folder: Path, budget: Budget) -> None:
    """Writes the checkpoints of an archive, and of archives inside it, below `folder`; nothing else leaves it."""
    for member in members(path, budget):
        wanted = _kind(member.name, GENERATORS + ENCODERS) is not None
        nested = member.name.name.endswith((".tar", ".tar.gz", ".tgz", ".zip"))
        if wanted or nested:
            target = folder.joinpath(*(part for part in member.name.parts if part not in ("/", "..")))
            unpack_member(member, target)
            if nested:
                budget.enter(member.name)
                _unpack(target, target.with_name(f"{target.name}.d"), budget)
                budget.depth -= 1
                target.unlink()
