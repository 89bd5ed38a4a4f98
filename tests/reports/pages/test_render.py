"""Pages of templates: nothing in them is markup, and colours can be read."""

import json
import re

import pytest

from reports.pages.render import PALETTE, data_block, render

HOSTILE = "</script><script>alert(1)</script><!--\u2028&"
PAIRS = [
    ("ink", "ground"), ("ink", "raised"), ("quiet", "ground"), ("quiet", "raised"), ("link", "ground"),
    ("link", "raised"), ("mark-ink", "mark-ground"), ("warn-ink", "warn-ground"), ("wrong", "ground"),
]  # fmt: skip


def luminance(color: str) -> float:
    """As WCAG 2.2 defines it, of "#rrggbb"."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_data_ends_no_script_block() -> None:
    block = data_block({"name": HOSTILE, "digits": [1.5, None]})
    assert not set("<>&\u2028") & set(block)
    assert json.loads(block) == {"name": HOSTILE, "digits": [1.5, None]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        data_block([float("nan")])


def test_fields_are_escaped_and_scripts_that_are_not_ours_refused() -> None:
    page = render("site/protocol.html", name=HOSTILE, summary=HOSTILE, text=HOSTILE)
    assert "<script" not in page
    assert page.count("&lt;/script&gt;") == 8
    assert "script-src 'none'" in page
    assert "default-src 'none'" in page


@pytest.mark.parametrize("scheme", [0, 1])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_has_the_contrast_of_wcag_aa(scheme: int, ink: str, ground: str) -> None:
    found = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", PALETTE.read_text())
    colors = {name: pair[scheme] for name, *pair in found}
    low, high = sorted(luminance(colors[name]) for name in (ink, ground))
    assert (high + 0.05) / (low + 0.05) >= 4.5
