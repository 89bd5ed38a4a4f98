"""Each room imports only from itself and from rooms above it on the map in CONTRIBUTING."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("sdm_bench", "segmenters", "reports")
# Offers the rooms' names to Python, lazily: below all of them.
FACE = "sdm_bench/__init__.py"


def rooms() -> list[str]:
    """The modules of the rooms of code, from the top of the map to its bottom."""
    places = re.findall(r"^\| `([\w/]+)(?:\.py)?` \|", (ROOT / "CONTRIBUTING.md").read_text(), re.M)
    modules = [place.strip("/").replace("/", ".") for place in places]
    return [module for module in modules if module.partition(".")[0] in PACKAGES]


def room_of(module: str, known: list[str]) -> str | None:
    return next((room for room in known if module == room or module.startswith(f"{room}.")), None)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def test_no_room_imports_from_one_below_it() -> None:
    known = rooms()
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    upward = []
    for path in files:
        name = path.relative_to(ROOT)
        mine = room_of(".".join(name.with_suffix("").parts), known)
        if mine is None:
            assert str(name) == FACE, f"{name} is in no room of the map"
            continue
        theirs = {(each, room_of(each, known)) for each in imports(path)}
        upward += [f"{name}: {each}" for each, room in theirs if room and known.index(room) > known.index(mine)]
    assert len(files) > 100
    assert upward == []
