"""From a template to a page that loads nothing from elsewhere: styles and scripts stand in it."""

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from reports.html_table import html_table
from sdm_bench import __version__

GENERATOR = f"sdm-bench {__version__}"
# Colours that the page of `edit --draw` has as well.
PALETTE = resources.files("sdm_bench.base").joinpath("palette.css")
# What no script block may hold: it would end it, or JavaScript doesn't take it.
ESCAPED = {each: f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"}


def render(template: str, styles: Sequence[str] = (), scripts: Sequence[str] = (), **fields: Any) -> str:
    """The page that `template` makes of `fields`, everything in them escaped.

    styles, scripts: files of this package in the order in which they apply. The page's policy lets these scripts run
    and no others, and pictures come out of the page or from beside it.
    """
    script = "".join(asset(name) for name in scripts)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    style = "".join((PALETTE.read_text(encoding="utf-8"), *map(asset, ("pages/base.css", *styles))))
    return (
        _environment()
        .get_template(template)
        .render(
            **fields,
            style=Markup(style),
            script=Markup(script),
            script_sha256=digest,
            generator=GENERATOR,
        )
    )


def asset(name: str) -> str:
    """The text of a file of this package."""
    return resources.files("reports").joinpath(name).read_text(encoding="utf-8")


def data_block(value: Any) -> Markup:
    """`value` as the content of a script block of JSON, whatever its texts hold; raises ValueError for NaN or Inf."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, code in ESCAPED.items():
        text = text.replace(character, code)
    return Markup(text)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["html_table"] = html_table
    return environment
