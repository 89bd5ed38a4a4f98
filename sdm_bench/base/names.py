"""Names of files and things, which results, records and tables spell in UTF-8."""

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
