"""Names of files and things, which results, records and tables spell in UTF-8."""

import unicodedata
from pathlib import Path

from sdm_bench.base.errors import UserError


def refuse_unspellable(name: str | Path, what: str) -> None:
    """Raises UserError, which says `what` it is of, where `name` isn't UTF-8: no file of the program could say it."""
    text = str(name)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        shown = text.encode("utf-8", "backslashreplace").decode()
        raise UserError(f"{what} {shown}: not a name in UTF-8, in which results and records spell it") from error


def one_line(text: str) -> str:
    """A name as it is shown: each run of blanks as one, and letters with marks whole, however a system spells them."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


def folded(name: str) -> str:
    """What names have in common that a reader takes for one."""
    return unicodedata.normalize("NFKC", name).casefold()


def has_controls(text: str) -> bool:
    """Whether there are characters in it that nobody sees, such as those that turn the direction of writing."""
    return any(unicodedata.category(each).startswith("C") for each in text)
