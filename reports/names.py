"""What methods, datasets and columns are called where they are shown: by the program, or as the user says."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import yaml

from sdm_bench.base import yamls
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_text
from sdm_bench.base.progress import say
from sdm_bench.models.methods import METHODS

DATASETS = {
    "ade20k": "ADE20K",
    "celebamask_hq": "CelebAMask-HQ",
    "cityscapes": "Cityscapes",
    "coco_stuff": "COCO-Stuff",
}
KINDS = ("methods", "datasets", "columns")

Names = Mapping[str, Mapping[str, str]]
_given: ContextVar[Names | None] = ContextVar("names", default=None)
_used: ContextVar[set[str] | None] = ContextVar("used names", default=None)


def method_name(name: str) -> str:
    """What a method is called."""
    return _called("methods", name, METHODS[name].title if name in METHODS else name)


def dataset_name(name: str) -> str:
    """What a dataset is called."""
    return _called("datasets", name, DATASETS.get(name, name))


def column_name(name: str) -> str:
    """What a column, or the number in it, is called."""
    return _called("columns", name, name)


def _called(kind: str, name: str, title: str) -> str:
    given, used = (_given.get() or {}).get(kind, {}), _used.get()
    for each in (name, title):
        if each in given:
            if used is not None:
                used.add(each)
            return given[each]
    return title


@contextmanager
def named(names: Names) -> Iterator[None]:
    """Inside, what `names` has is called so; at the end a line says which of them nothing is called."""
    used: set[str] = set()
    before, used_before = _given.set(names), _used.set(used)
    try:
        yield
        unused = dict.fromkeys(old for called in names.values() for old in called if old not in used)
        if unused:
            say(f"names: nothing shown is called {', '.join(unused)}")
    finally:
        _given.reset(before)
        _used.reset(used_before)


def read_names(file: Path | None, renames: Sequence[str]) -> dict[str, dict[str, str]]:
    """The names of a YAML and of `--rename OLD=NEW`, the latter of whatever is called OLD; raises UserError."""
    names: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    if file is not None:
        for kind, called in _read(file).items():
            names[kind].update(called)
    said: dict[str, str] = {}
    for each in renames:
        old, new = (part.strip() for part in each.partition("=")[::2])
        if not old or not new:
            raise UserError(f"--rename {each}: expected OLD=NEW, such as --rename 'sdm=SDM (ours)'")
        if said.setdefault(old, new) != new:
            raise UserError(f"--rename {each}: {old} is also called {said[old]}; expected one name")
    for kind in KINDS:
        names[kind].update(said)
        refuse_one_for_two(names[kind])
    return names


def refuse_one_for_two(called: Mapping[str, str]) -> None:
    """Raises UserError where two would look alike."""
    first: dict[str, str] = {}
    for old, new in called.items():
        if first.setdefault(new, old) != old:
            raise UserError(f"names: {first[new]} and {old} would both be called {new}; expected a name for each")


def _read(file: Path) -> dict[str, dict[str, str]]:
    try:
        found = yamls.load(read_text(file, "YAML"))
    except yaml.YAMLError as error:
        raise UserError(f"{file}: not YAML: {error}") from error
    if not isinstance(found, dict) or not set(found) <= set(KINDS):
        raise UserError(f"{file}: expected {', '.join(KINDS)}; found {_listed(found)}")
    for kind, called in found.items():
        if not isinstance(called, dict) or not all(isinstance(each, str) for pair in called.items() for each in pair):
            raise UserError(f"{file}: {kind}: expected names and what they are called, both text; found {called!r}")
    return found


def _listed(found: object) -> str:
    return ", ".join(map(str, found)) if isinstance(found, dict) else repr(found)
