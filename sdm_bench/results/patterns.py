"""Patterns for names of pictures: `out/{id}_{sample}.png`, `out/group_{sample}/{id}.png`."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from sdm_bench.base.errors import UserError
from sdm_bench.base.folders import composed, files_below
from sdm_bench.datasets.pictures import IMAGE_SUFFIXES
from sdm_bench.results.frames import Named, Reading

FIELDS = ("id", "sample")
PARTS = re.compile(r"(\{[^}]*\}|\*\*/|\*\*|\*)")
WILDCARDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
NAMED = 3


class PatternMatch(NamedTuple):
    """Files that fit a pattern. foreign: those of which `{id}` is none. root: the folder above its first field.

    below: how many pictures lie below root.
    """

    readings: list[Reading]
    foreign: list[Named]
    root: Path
    below: int


def is_pattern(place: Path) -> bool:
    """Whether a place of pictures is given as a pattern."""
    return PARTS.search(str(place)) is not None


def readings_of_pattern(place: Path, known: Callable[[str], bool]) -> PatternMatch:
    """The files that fit a pattern of `{id}`, `{sample}`, `*` and `**`; `known` says what is an id.

    Raises UserError for other fields, without `{id}`, and where nothing fits.
    """
    _refuse_fields(place)
    first = next(number for number, part in enumerate(place.parts) if PARTS.search(part))
    root, rest = Path(*place.parts[:first]), composed("/".join(place.parts[first:]))
    if not root.is_dir():
        raise UserError(f"--images {place}: no folder {root}")
    suffixed = Path(rest).suffix.lower() in IMAGE_SUFFIXES
    paths = [path for path in files_below(root).files if path.suffix.lower() in IMAGE_SUFFIXES]
    readings, foreign = [], []
    for path in paths:
        below = path.relative_to(root)
        name = composed((below if suffixed else below.with_suffix("")).as_posix())
        fits = _fit(name, rest, known)
        if fits is not None:
            found, number = fits
            if known(found):
                readings.append(Reading(Named(path, name), found, number))
            else:
                foreign.append(Named(path, found))
    if not readings and not foreign:
        such = ", ".join(path.relative_to(root).as_posix() for path in paths[:NAMED])
        found = f"none of the {len(paths)} pictures below {root} fits it, such as {such}" if paths else "no pictures"
        raise UserError(f"--images {place}: {found}")
    return PatternMatch(readings, foreign, root, len(paths))


def _refuse_fields(place: Path) -> None:
    fields = re.findall(r"\{([^}]*)\}", str(place))
    unknown = [name for name in fields if name not in FIELDS]
    if unknown or "id" not in fields:
        found = f"{{{unknown[0]}}} in it" if unknown else "no {id} in it"
        raise UserError(f"--images {place}: {found}; a pattern has {{id}} and, for several samples, {{sample}}")


def _fit(name: str, pattern: str, known: Callable[[str], bool]) -> tuple[str, int | None] | None:
    """The id and the sample's number in a name; None where it doesn't fit. A known id is preferred to a longer one."""
    match = re.fullmatch(_expression(pattern, r"[^/]+"), name)
    if match is None:
        return None
    if not known(match["id"]):
        inside = (re.fullmatch(_expression(pattern, re.escape(each)), name) for each in _ids_in(name, known))
        match = next((each for each in inside if each is not None), match)
    number = match.groupdict().get("sample")
    return match["id"], None if number is None else int(number)


def _ids_in(name: str, known: Callable[[str], bool]) -> Iterator[str]:
    """The ids inside a name, the longest first."""
    edges = [0, *(k for k in range(1, len(name)) if name[k - 1].isalnum() != name[k].isalnum()), len(name)]
    found = {name[start:end] for start in edges for end in edges if start < end and known(name[start:end])}
    yield from sorted(found, key=lambda each: (-len(each), each))


def _expression(pattern: str, id_expression: str) -> str:
    """The pattern as a regular expression; a field that occurs again has to be the same again."""
    fields = {"{id}": id_expression, "{sample}": "[0-9]{1,9}"}
    seen: set[str] = set()
    parts = []
    for part in PARTS.split(pattern):
        if part in fields:
            name = part[1:-1]
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{fields[part]})")
            seen.add(name)
        else:
            parts.append(WILDCARDS.get(part) or re.escape(part))
    return "".join(parts)
