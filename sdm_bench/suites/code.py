"""The version of the code that makes a result: digests of the files that it passes through, by room.

Comments on lines of their own, docstrings and blank lines don't count. Of `base`, which knows nothing of this field,
only what can move a number counts, and the names that `sdm_bench` itself offers to Python programs move none.
"""

import ast
from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path

import yaml

from sdm_bench.base.files import read_text, sha256_lines
from sdm_bench.models import methods

TOP = ("sdm_bench", "segmenters", "reports")
NUMERIC_BASE = frozenset(f"sdm_bench.base.{name}" for name in ("devices", "drawing", "eightbits", "finite", "tensors"))
# Where the work of each kind of cell begins.
ROOTS = {
    "data": ("sdm_bench.toy",),
    "train": ("sdm_bench.training.recipes",),
    "segmenter": ("sdm_bench.training.segmenters",),
    "generate": ("sdm_bench.sampling.generate",),
    "evaluate": ("sdm_bench.evaluation.evaluate",),
    "report": ("reports.report",),
}


def code_of(kind: str, what: str = "") -> dict[str, str]:
    """`code of <room>` -> digest, for a kind of cell and the method, segmenter or metric that it is about."""
    return dict(_code((*ROOTS[kind], *_modules(kind, what))))


@cache
def _modules(kind: str, what: str) -> tuple[str, ...]:
    """The modules that are looked up by name, which no import shows."""
    if kind in ("train", "generate"):
        about = methods.method(what)
        judged = kind == "train" and about.kind == "gan"
        lookups = (about.network, about.config, *(methods.DISCRIMINATORS.values() if judged else ()))
        return tuple(each.partition(":")[0] for each in lookups)
    if kind == "segmenter":
        from segmenters.architectures import architecture

        return (architecture(what).build.partition(":")[0],)
    if kind == "evaluate":
        registry = resources.files("sdm_bench.evaluation").joinpath("metrics.yaml").read_text(encoding="utf-8")
        module = yaml.safe_load(registry)[what].partition(":")[0]
        # which segmenter it is, its weights say
        return (module, *(_segmenters() if what == "miou" else ()))
    if kind == "report":
        from reports.figures.registry import figure_modules

        return tuple(figure_modules())
    return ()


def _segmenters() -> tuple[str, ...]:
    folder = Path(str(resources.files("segmenters")))
    return tuple(f"segmenters.{file.stem}" for file in sorted(folder.glob("*.py")) if file.stem != "__init__")


@cache
def _code(roots: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    rooms: dict[str, list[str]] = {}
    for name in sorted(_reached(roots)):
        if name != TOP[0] and (not name.startswith("sdm_bench.base") or name in NUMERIC_BASE):
            parts = name.split(".")
            room = ".".join(parts[:2]) if parts[0] == "sdm_bench" else parts[0]
            rooms.setdefault(room, []).append(f"{name} {_read(name)[0]}")
    return tuple((f"code of {room}", sha256_lines(lines)[:16]) for room, lines in rooms.items())


def _reached(roots: Iterable[str]) -> set[str]:
    found: set[str] = set()
    ahead = list(roots)
    while ahead:
        name = ahead.pop()
        if name not in found and _file(name) is not None:
            found.add(name)
            ahead += _read(name)[1]
    return found


@cache
def _file(module: str) -> Path | None:
    parts = module.split(".")
    if parts[0] not in TOP:
        return None
    path = Path(str(resources.files(parts[0]))).joinpath(*parts[1:])
    return next((each for each in (path.with_suffix(".py"), path / "__init__.py") if each.is_file()), None)


@cache
def _read(module: str) -> tuple[str, tuple[str, ...]]:
    """The digest of what counts in a module, and the modules that it imports."""
    file = _file(module)
    assert file is not None
    text = read_text(file, "Python")
    tree = ast.parse(text)
    dropped = {line for node in _documented(tree) for line in range(node.lineno, (node.end_lineno or 0) + 1)}
    lines = [
        line.rstrip()
        for number, line in enumerate(text.splitlines(), 1)
        if number not in dropped and line.strip() and not line.lstrip().startswith("#")
    ]
    return sha256_lines(lines), tuple(dict.fromkeys(_imports(tree)))


def _documented(tree: ast.Module) -> Iterable[ast.Expr]:
    """The docstrings of a module, its classes and its functions."""
    for node in (tree, *_statements(tree)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield first


def _imports(tree: ast.Module) -> Iterable[str]:
    """Imported modules anywhere in the code but under TYPE_CHECKING."""
    for node in _statements(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def _statements(node: ast.AST) -> Iterable[ast.stmt]:
    """All statements inside a node, however deep, but for those under TYPE_CHECKING."""
    for name in ("body", "orelse", "finalbody", "handlers"):
        for inner in getattr(node, name, ()):
            if isinstance(inner, ast.If) and isinstance(inner.test, ast.Name) and inner.test.id == "TYPE_CHECKING":
                continue
            if isinstance(inner, ast.stmt):
                yield inner
            yield from _statements(inner)
