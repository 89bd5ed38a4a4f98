"""A study as it is served: the page for each link, and where its answers go."""

import hashlib
import html
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from reports.study.book import Book
from reports.study.key import ANSWERS_FOLDER, KEY_FILE, Key, read_key
from reports.study.links import links_of
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import LOCK_FILE, read_text
from sdm_bench.base.progress import say

SESSION = '<script type="application/json" id="session">null</script>'
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">')


@dataclass(frozen=True)
class Served:
    """A study and its links. pages: of each form, before and behind what is said of the participant.

    policy: what all pages may load. books: by digest of the link. tokens: of the links that are open.
    """

    key: Key
    pages: Sequence[tuple[str, str]]
    policy: str
    books: dict[str, Book]
    tokens: Sequence[str]

    def book(self, token: str) -> Book | None:
        """The answers of a link; looking it up takes no longer the nearer a guess is."""
        return self.books.get(_digest(token))

    def page_of(self, book: Book) -> bytes:
        """The page, which goes on where the participant was."""
        sheet = book.sheet
        answers = [each.model_dump() for each in sheet.answers]
        about = {"participant": sheet.participant, "seed": sheet.seed, "form": sheet.form, "answers": answers}
        return SESSION.replace("null", json.dumps(about)).join(self.pages[sheet.form]).encode()

    def say_progress(self) -> None:
        """How many have answered."""
        done = sum(book.complete for book in self.books.values())
        begun = sum(bool(book.sheet.answers) for book in self.books.values()) - done
        say(f"{done} of {len(self.books)} participants are done, {begun} have begun")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


@contextmanager
def opened_study(folder: Path, participants: int | None) -> Iterator[Served]:
    """The study in `folder`, with links for `participants`, None for those that there are.

    Raises UserError where it is served already, or the page isn't that of the key.
    """
    key = read_key(folder / KEY_FILE)
    pages = [_page(folder, key, form) for form in range(len(key.forms))]
    answers = folder / ANSWERS_FOLDER
    answers.mkdir(mode=0o700, exist_ok=True)
    lock = FileLock(answers / LOCK_FILE, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise UserError(f"{folder}: served by another process already") from error
    try:
        links = links_of(folder, key, participants)
        books = {_digest(link.token): Book(answers, key, link) for link in links}
        open_ones = [link.token for link in links if not books[_digest(link.token)].complete]
        yield Served(key, [page for page, _ in pages], pages[0][1], books, open_ones)
    finally:
        lock.release()


def _page(folder: Path, key: Key, form: int) -> tuple[tuple[str, str], str]:
    """A form's page in two parts, and its policy with what a page can't say of itself."""
    path = folder / key.page_file(form)
    page = read_text(path, "page")
    policy = POLICY.search(page)
    if hashlib.sha256(page.encode()).hexdigest() != key.pages_sha256[form] or policy is None:
        raise UserError(f"{path}: not the page that {KEY_FILE} beside it was written with")
    before, behind = page.split(SESSION)
    return (before, behind), f"{html.unescape(policy[1])}; frame-ancestors 'none'"
