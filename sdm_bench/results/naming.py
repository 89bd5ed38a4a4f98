"""What somebody's pictures are called, in tables and as a folder of results."""

import re
from collections.abc import Sequence
from pathlib import Path

from sdm_bench.base.errors import UserError
from sdm_bench.base.names import folded, has_controls, one_line
from sdm_bench.models.methods import METHODS
from sdm_bench.results.rows import REAL

LONGEST_NAME = 80
LONGEST_NOTE = 200
# Folders that programs call alike for every model: SPADE's results/<model>/test_latest/images/synthesized_image.
COMMON_FOLDERS = re.compile(r"synthesized_images?|fake_b|images?|((test|val)_)?(latest|\d+)", re.IGNORECASE)


def called(places: Sequence[Path], name: str | None) -> str:
    """What the pictures in `places` are called, as `one_line` has it; raises UserError for what can't be a name.

    name: by default the places' own, of a folder that programs call alike for every model the one above it.
    """
    found = " + ".join(map(_own_name, places)) if name is None else name
    chosen = one_line(found)
    wrong = _wrong_name(found, chosen)
    if wrong and name is None:
        where = ", ".join(map(str, places))
        raise UserError(f"{where}: its folder is called {chosen[:LONGEST_NAME]!r}: {wrong}; give --name")
    if wrong:
        raise UserError(f"--name {chosen[:LONGEST_NAME]!r}: {wrong}; choose another")
    return chosen


def _own_name(place: Path) -> str:
    """The name of a folder, or of an array file without its suffix, or of the folder above a pattern's first part."""
    path = place.resolve()
    patterns = [number for number, part in enumerate(path.parts) if re.search(r"[{*]", part)]
    if patterns:
        path = Path(*path.parts[: patterns[0]])
    elif not path.is_dir():
        path = path.with_suffix("")
    names = [each.name for each in (path, *path.parents) if each.name]
    own = next((name for name in names if not COMMON_FOLDERS.fullmatch(name)), path.name)
    return path.name if folded(own) in RESERVED else own


def folder_name(name: str) -> str:
    """The name as that of a folder: letters, digits and a few signs; all else becomes a dash."""
    return re.sub(r"[^\w .+=@,()-]", "-", name).lstrip(". ").rstrip(". ") or "pictures"


def described(note: str | None) -> str:
    """What --resolution-note says, on one line; raises UserError where it is empty, too long or has control characters.

    Parts of a row's note are told apart by semicolons, so that it has none.
    """
    if note is None:
        return ""
    text = " ".join(note.split())
    if not text or len(text) > LONGEST_NOTE or ";" in text or has_controls(note):
        raise UserError(
            f"--resolution-note {text[:LONGEST_NAME]!r}: expected 1 to {LONGEST_NOTE} characters without control "
            "characters and semicolons"
        )
    return f"resolution: {text}"


def _wrong_name(found: str, chosen: str) -> str:
    """Why pictures can't be called so; empty where they can."""
    if not chosen:
        return "empty"
    if len(chosen) > LONGEST_NAME:
        return f"{len(chosen)} characters; expected up to {LONGEST_NAME}"
    if has_controls(found):
        return "control characters in it"
    return RESERVED.get(folded(chosen), "")


# Names that tables have for what this program makes or measures itself.
RESERVED = {folded(REAL): "what tables call the photographs themselves"} | {
    folded(spelling): f"what tables call samples of {each.title}"
    for each in METHODS.values()
    for spelling in (each.name, each.title)
}
