"""Whole numbers as people write them: a range with both ends ("0-2"), a list ("0,4"), or both ("0-2,7")."""

import re

PART = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?")
# More than anybody asks for: a slip of the keyboard would fill the memory.
MOST = 100_000
EXPECTED = f"numbers like 0, 0-2 or 0,4, up to {MOST} of them"


def integers_in(text: str) -> list[int] | None:
    """The numbers, each once, in the order in which they stand; None for other text, and for more than MOST.

    Of ASCII digits alone: str.isdigit takes superscripts too, of which int makes nothing.
    """
    numbers: dict[int, None] = {}
    for part in text.split(","):
        found = PART.fullmatch(part)
        if found is None:
            return None
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first or last - first >= MOST:
            return None
        numbers |= dict.fromkeys(range(first, last + 1))
        if len(numbers) > MOST:
            return None
    return list(numbers)
