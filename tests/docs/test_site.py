"""What the site is made of: a page a protocol, the steps with released checkpoints, tables of costs."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from mkdocs.exceptions import PluginError

from reports.published.numbers import published
from sdm_bench.models.methods import METHODS
from sdm_bench.protocols.protocols import protocol_names
from tests.docs.commands import ROOT, arguments_of, blocks, parse, workspace

sys.path.insert(0, str(ROOT / "docs/_site"))

import doctests
import hooks
import protocol_pages
import released_pages

PAGE = SimpleNamespace(file=SimpleNamespace(src_uri="page.md"))


@pytest.fixture(scope="module")
def released() -> str:
    return released_pages.sections()


def test_every_protocol_has_a_page_that_the_index_links() -> None:
    pages = protocol_pages.pages()
    assert set(pages) == {"protocols/index.md", *(f"protocols/{name}.md" for name in protocol_names())}
    for name in protocol_names():
        assert f"[{name}]({name}.md)" in pages["protocols/index.md"]
        assert f"name: {name}" in pages[f"protocols/{name}.md"]
    assert "| fid | resize | sdm | clean |" in pages["protocols/sdm@1.md"]
    assert "`miou` on coco_stuff" in pages["protocols/sdm@1.md"].replace("\\_", "_")


def test_versions_of_a_protocol_stand_beside_each_other() -> None:
    assert protocol_pages.related("oasis@2") == ["oasis@1", "sdm-bench@1"]
    assert "| fid | covariance | float32 | float64 |" in protocol_pages.pages()["protocols/oasis@2.md"]


def test_the_steps_with_released_checkpoints_are_commands_of_the_program(
    released: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace(tmp_path))
    lines = [line for block in blocks(released, "released") for line in block.lines]
    assert len(lines) > 50
    for line in lines:
        for arguments in arguments_of(line):
            parse(arguments)


def test_released_methods_have_the_published_numbers_beside_them(released: str) -> None:
    for name, method in METHODS.items():
        assert (f"\n## {method.title}\n" in f"\n{released}") == bool(method.released), name
    fid = next(each for each in published("ade20k", "fid") if each.method == "sdm")
    section = released[released.index("### SDM on ADE20K") :]
    assert re.search(rf"\| FID \| {fid.value:g} \| sdm@1 \|", section[: section.index("\n### ")])
    assert "--protocol sdm@1 --metric fid --metric lpips --metric miou" in section[: section.index("\n### ")]


def test_a_page_that_asks_the_network_is_refused() -> None:
    fine = '<a href="https://arxiv.org">x</a><script src="assets/a.js"></script><link href="../a.css">'
    assert hooks.on_post_page(fine, PAGE) == fine
    for asking in (
        '<script src="https://cdn.org/a.js">',
        '<link rel="x" href=//fonts.org/a>',
        "<img src='http://a.org/b'>",
    ):
        with pytest.raises(PluginError, match=r"page.md: asks the network for \S*org"):
            hooks.on_post_page(asking, PAGE)


def test_marks_are_replaced_and_an_unknown_one_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(hooks.MADE, "costs", lambda: "a table")
    assert hooks.on_page_markdown("x\n<!-- made: costs -->\ny", PAGE) == "x\na table\ny"
    with pytest.raises(KeyError):
        hooks.on_page_markdown("<!-- made: nothing -->", PAGE)


def test_doctests_become_blocks_of_code() -> None:
    text = "One line.\n\n>>> a = [\n...     1]\n>>> a\n[1]\n\nMore."
    fenced = doctests.BLOCK.sub(lambda found: f"```\n{found.group()}\n```", text)
    assert fenced == "One line.\n\n```\n>>> a = [\n...     1]\n>>> a\n[1]\n```\n\nMore."
