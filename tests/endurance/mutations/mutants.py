"""Small changes of a Python file: numbers, signs, comparisons, dropped terms, swapped arguments."""

import ast
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

FILES = (
    "sdm_bench/conditioning.py",
    "sdm_bench/datasets/transforms.py",
    "sdm_bench/diffusion/*.py",
    "sdm_bench/metrics/*.py",
    "sdm_bench/models/*.py",
    "sdm_bench/sampling/synthesizers.py",
    "sdm_bench/training/adversarial.py",
    "sdm_bench/training/adversarial_losses.py",
    "sdm_bench/training/diffusion.py",
    "sdm_bench/training/objective.py",
    "segmenters/*.py",
)
# Files of these rooms that hold no arithmetic: they name, find and read.
LEFT_OUT = {"sdm_bench/models/methods.py", "sdm_bench/models/preset.py", "sdm_bench/metrics/statistics_files.py"}

BINARY = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "//", ast.Pow: "*"}
COMPARISONS = {
    ast.Lt: ("<=", ">"),
    ast.LtE: ("<", ">="),
    ast.Gt: (">=", "<"),
    ast.GtE: (">", "<="),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
}
NAMES = {"mean": "sum", "sum": "mean", "max": "min", "min": "max", "sqrt": "exp", "exp": "log", "log": "exp"}
NAMES |= {"sin": "cos", "cos": "sin", "floor": "ceil", "ceil": "floor", "zeros": "ones", "ones": "zeros"}


@dataclass(frozen=True)
class Mutant:
    """One change: the characters from `start` to `end` of the file at `path`, on `line`, become `text`."""

    path: str
    line: int
    start: int
    end: int
    text: str

    def applied(self, source: str) -> str:
        """The file's source with the change."""
        return source[: self.start] + self.text + source[self.end :]

    def change(self, source: str) -> str:
        """The change as <path>: <its lines before> -> <and after>, without the spaces around."""
        first = source.rfind("\n", 0, self.start) + 1
        last = source.find("\n", self.end)
        before, after = source[first:last], self.applied(source)[first : last + len(self.text) - self.end + self.start]
        return f"{self.path}: {' '.join(before.split())} -> {' '.join(after.split())}"


def chosen(root: Path, seed: int, count: int, only: str = "*") -> list[Mutant]:
    """`count` changes of the numeric files below `root`, at most one a line; the same for the same seed and source."""
    found = [mutant for path in numeric_files(root, only) for mutant in mutants(path, (root / path).read_text())]
    random.Random(seed).shuffle(found)
    one_a_line = {(mutant.path, mutant.line): mutant for mutant in reversed(found)}
    return [mutant for mutant in dict.fromkeys(found) if one_a_line[mutant.path, mutant.line] == mutant][:count]


def numeric_files(root: Path, only: str = "*") -> list[str]:
    """The files with arithmetic, relative to `root`."""
    found = {path.relative_to(root) for pattern in FILES for path in root.glob(pattern)}
    return sorted(str(path) for path in found if str(path) not in LEFT_OUT and path.match(only))


def mutants(path: str, source: str) -> list[Mutant]:
    """Every change of a file that this module knows."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    lines = source.splitlines()

    def at(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    def span(node: ast.expr) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)

    found = []
    for node in _expressions(ast.parse(source)):
        for start, end, text in _changes(node, source, span):
            if text != source[start:end]:
                found.append(Mutant(path, source.count("\n", 0, start) + 1, start, end, text))
    return found


def _expressions(tree: ast.AST) -> Iterator[ast.expr]:
    """The expressions that compute: no annotations, decorators, texts, assertions, errors or `strict=`."""
    for field, value in ast.iter_fields(tree):
        if field in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, (ast.Raise, ast.Assert, ast.JoinedStr)):
                continue
            if isinstance(child, ast.keyword) and child.arg == "strict":
                continue
            if isinstance(child, ast.expr):
                yield child
            yield from _expressions(child)


def _changes(node: ast.expr, source: str, span: Callable[[ast.expr], tuple[int, int]]) -> Iterator[tuple]:
    start, end = span(node)
    if isinstance(node, ast.Constant):
        yield from ((start, end, text) for text in _other_constants(node.value))
    elif isinstance(node, ast.BinOp) and type(node.op) in BINARY:
        left, right = span(node.left), span(node.right)
        between = source[left[1] : right[0]]
        sign = between.strip(" ()\n")
        if sign and "#" not in sign:
            place = left[1] + between.index(sign)
            yield place, place + len(sign), BINARY[type(node.op)]
            yield start, end, source[slice(*left)]
            if isinstance(node.op, (ast.Add, ast.Mult)):
                yield start, end, source[slice(*right)]
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = span(node.left), span(node.comparators[0])
        between = source[left[1] : right[0]]
        sign = between.strip(" ()\n")
        place = left[1] + between.index(sign)
        yield from ((place, place + len(sign), text) for text in COMPARISONS[type(node.ops[0])])
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
        yield start, end, source[slice(*span(node.operand))]
    elif isinstance(node, ast.BoolOp):
        yield from ((start, end, source[slice(*span(value))]) for value in node.values)
    elif isinstance(node, ast.IfExp):
        yield from ((start, end, source[slice(*span(value))]) for value in (node.body, node.orelse))
    elif isinstance(node, ast.Call):
        yield from _other_calls(node, source, span)


def _other_constants(value: object) -> list[str]:
    if isinstance(value, bool):
        return [str(not value)]
    if isinstance(value, int):
        return [str(value + 1), str(value - 1)]
    return [repr(value + 1), repr(value * 2)] if isinstance(value, float) else []


def _other_calls(node: ast.Call, source: str, span: Callable[[ast.expr], tuple[int, int]]) -> Iterator[tuple]:
    plain = [argument for argument in node.args if not isinstance(argument, ast.Starred)]
    for one, other in itertools.pairwise(plain):
        (start, middle), (again, end) = span(one), span(other)
        yield start, end, source[again:end] + source[middle:again] + source[start:middle]
    _, end = span(node.func)
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in NAMES:
        yield end - len(name), end, NAMES[name]
