"""Links that participants answer by: one each, unguessable, kept beside the key."""

import secrets
from pathlib import Path

from reports.study.answers import SEEDS, Name
from reports.study.key import Key
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_json, write_json
from sdm_bench.base.sections import Section, parsed

LINKS_FILE = "links.json"
# Random bytes of a link.
BYTES = 24


class Link(Section):
    """A participant's link. token: its path. participant: as in the answers, from which no token can be guessed."""

    token: str
    participant: Name
    form: int
    seed: int


class _Links(Section):
    study: str
    links: list[Link]


def links_of(study: Path, key: Key, count: int | None) -> list[Link]:
    """The links of a study, of which more are made until there are `count`.

    Raises UserError where there are none and none are asked for, and for links of another study.
    """
    path = study / LINKS_FILE
    there = parsed(_Links, read_json(path), path) if path.exists() else _Links(study=key.study, links=[])
    if there.study != key.study:
        raise UserError(f"{path}: links of study {there.study}; expected {key.study}")
    links = list(there.links)
    if not links and count is None:
        raise UserError(f"{study}: no links yet; --participants says how many people take part")
    while len(links) < (count or 0):
        links.append(
            Link(
                token=secrets.token_urlsafe(BYTES),
                participant=f"p{secrets.token_hex(8)}",
                form=len(links) % len(key.forms),
                seed=secrets.randbelow(SEEDS),
            )
        )
    if len(links) > len(there.links):
        write_json(path, _Links(study=key.study, links=links).model_dump())
        path.chmod(0o600)
    return links
