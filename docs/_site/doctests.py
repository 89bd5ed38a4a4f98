"""Doctests of docstrings as blocks of code, which Markdown would take for quotations."""

import re

import griffe

BLOCK = re.compile(r"^>>> .*(?:\n(?!\s*$).*)*", re.MULTILINE)


class Doctests(griffe.Extension):
    """Fences every doctest of the objects that are shown."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        if obj.docstring is not None:
            obj.docstring.value = BLOCK.sub(lambda found: f"```pycon\n{found.group()}\n```", obj.docstring.value)
