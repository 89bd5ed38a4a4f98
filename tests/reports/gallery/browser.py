"""A real browser, in which nothing may leave the page or complain."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The browser on this machine, if any."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def started() -> Iterator[Any]:
    """A headless browser; the tests are skipped where there is none."""
    found = chromium()
    if found is None:
        pytest.skip(f"no browser: {', '.join(NAMES)} is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Any, address: str, **how: Any) -> Iterator[Any]:
    """The page at an address; fails for an error, a line on the console, or a request for what is no file beside it."""
    context = browser.new_context(**{"viewport": {"width": 1200, "height": 800}, **how})
    page = context.new_page()
    page.set_default_timeout(10_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("console", lambda message: wrong.append(f"console: {message.text}"))
    page.on("request", lambda request: None if _beside(request.url, address) else wrong.append(request.url))
    page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url[:200]}"))
    page.goto(address)
    yield page
    context.close()
    assert wrong == []


def until(page: Any, expression: str, seconds: float = 10) -> None:
    """Waits until an expression of JavaScript is true, which the page's own policy keeps playwright from doing."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"not within {seconds} s: {expression}"
        time.sleep(0.02)


def _beside(address: str, of: str) -> bool:
    return address.startswith(("data:", of.partition("#")[0].rpartition("/")[0]))
