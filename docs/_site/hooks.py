"""What the site is made of besides its files: a page a protocol, tables of released checkpoints and of costs.

MkDocs calls the functions whose names begin with `on_`.
"""

import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import costs
import protocol_pages
import released_pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

# <!-- made: NAME --> in a page -> what makes the lines that stand there.
MADE = {"released": released_pages.sections, "costs": costs.table}
MARK = re.compile(r"^<!-- made: (\w+) -->$", re.MULTILINE)
ASKED = re.compile(r"""<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)=["']?((?:https?:)?//[^"' >]+)""")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Puts the protocols' pages where the navigation names them."""
    assert config.nav is not None
    for entry in config.nav:
        if isinstance(entry, dict) and entry.get("Protocols"):
            entry["Protocols"] = protocol_pages.navigation()
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the protocols' pages."""
    for path, text in protocol_pages.pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Fills in what is made."""
    return MARK.sub(lambda found: MADE[found.group(1)](), markdown)


def on_post_page(output: str, page: Page, **_: Any) -> str:
    """Refuses a page that a browser would ask the network for parts of."""
    asked = ASKED.findall(output)
    if asked:
        raise PluginError(f"{page.file.src_uri}: asks the network for {', '.join(asked)}")
    return output
