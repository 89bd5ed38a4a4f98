"""A study as a page for participants, or one a form, and a key that says whose pictures it shows."""

import base64
import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from reports.pages.render import data_block, render
from reports.study.choice import APART, extras, make_forms
from reports.study.items import Compared, Drawn, Look, RandomIds, draw_obvious, draw_pairs, open_compared
from reports.study.key import ANSWERS_FOLDER, KEY_FILE, Key, Rule, write_key
from reports.study.runs import find_matches
from sdm_bench import __version__
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import refuse_unwritable, write_text
from sdm_bench.base.progress import say, track

SCRIPTS = tuple(f"study/{name}.js" for name in ("order", "answers", "show", "keys"))
STYLES = ("study/study.css",)
QUESTION = "Which picture looks more like a real photograph?"
WITH_LABEL_MAP = "Which picture looks more like a real photograph of the scene in the label map?"
# Hex digits of a study's id.
ID_DIGITS = 16
# Seconds that a pair takes, for the consent page.
SECONDS = 6
# Bytes of a page beyond which mail and phones refuse it.
HEAVY = 25_000_000


@dataclass(frozen=True)
class StudyOptions:
    """What is asked, of which pairs of runs, how often.

    per_pair: label maps of each pair and dataset. per_participant: pairs of runs that one participant sees, None for
    all. repeats, obvious: how many of each a participant sees beside these, None for one in ten, at least 5 and at most
    10. quality: of the pictures as WebP, None without loss. consent: paragraphs of the first page, None for the
    program's. seed: None to draw one.
    """

    pairs: Sequence[tuple[str, str]]
    per_pair: int = 50
    per_participant: int | None = None
    repeats: int | None = None
    obvious: int | None = None
    quality: int | None = None
    label_map: bool = False
    question: str | None = None
    consent: str | None = None
    seed: int | None = None


def build_study(folders: Sequence[Path], options: StudyOptions, out: Path, command: str) -> list[Path]:
    """Writes the pages and the key of a study of the samples in `folders` into `out`; returns their paths.

    Raises UserError where `out` has a study already, and for whatever can't be compared; see `find_matches`.
    """
    key_file = out / KEY_FILE
    refuse_unwritable(out, "--out")
    # pages without either are what a killed command left
    for path in (key_file, out / ANSWERS_FOLDER):
        if path.exists():
            raise UserError(f"--out {out}: {path} is there, of another study; choose another --out")
    if not folders:
        raise UserError("no samples in any of the runs; expected folders that `sdm-bench generate` wrote")
    compared = open_compared(find_matches(folders, options.pairs))
    seed = secrets.randbits(32) if options.seed is None else options.seed
    study = _draw(compared, options, seed)
    pages = [study.page(form, options) for form in range(len(study.forms))]
    key = study.key(options, compared, seed, command, pages)
    for form, text in enumerate(pages):
        write_text(out / key.page_file(form), text)
    write_key(key_file, key)
    largest = max(map(len, pages))
    say(
        f"{len(key.items)} pairs in {len(pages)} form{'s' * (len(pages) > 1)}; a participant sees "
        f"{key.shown(0)}; a page has {largest / 1e6:.1f} MB"
    )
    if largest > HEAVY:
        say("that is much for mail and phones; --quality, or --per-participant with fewer pairs, makes pages lighter")
    return [*(out / key.page_file(form) for form in range(len(pages))), key_file]


@dataclass(frozen=True)
class _Study:
    drawn: Sequence[Drawn]
    forms: list[list[str]]
    repeats: int
    question: str
    items: dict[str, dict[str, Any]]
    pictures: dict[str, str]

    @cached_property
    def id(self) -> str:
        """A letter and the beginning of SHA-256 over all that the pages show."""
        content = json.dumps([self.question, self.repeats, self.forms, self.items, self.pictures], sort_keys=True)
        return f"s{hashlib.sha256(content.encode()).hexdigest()[:ID_DIGITS]}"

    def page(self, form: int, options: StudyOptions) -> str:
        """The page of a form: its pairs alone, in the order of their random ids, in which nothing can be read."""
        items = {name: self.items[name] for name in self.forms[form]}
        files = sorted(name for item, about in items.items() for name in (item, *about["pictures"]))
        shown = len(items) + self.repeats
        return render(
            "study/study.html",
            STYLES,
            SCRIPTS,
            question=self.question,
            consent=[each.strip() for each in options.consent.split("\n\n") if each.strip()] if options.consent else [],
            shown=shown,
            minutes=max(1, round(shown * SECONDS / 60)),
            label_map=options.label_map,
            data=data_block({"study": self.id, "form": form, "repeats": self.repeats, "items": items}),
            pictures=data_block({name: self.pictures[name] for name in files if name in self.pictures}),
        )

    def key(
        self, options: StudyOptions, compared: Sequence[Compared], seed: int, command: str, pages: Sequence[str]
    ) -> Key:
        """Whose the pictures are, and what the pages were made of."""
        models = {(model.name, model.folder): model for each in compared for model in each.models()}
        return Key(
            study=self.id,
            version=__version__,
            command=command,
            seed=seed,
            question=self.question,
            label_map=options.label_map,
            quality=options.quality,
            per_pair=options.per_pair,
            repeats=self.repeats,
            rule=Rule(),
            pages_sha256=[hashlib.sha256(page.encode()).hexdigest() for page in pages],
            models=list(models.values()),
            items={each.id: each.item for each in self.drawn},
            forms=self.forms,
        )


def _draw(compared: Sequence[Compared], options: StudyOptions, seed: int) -> _Study:
    rng = np.random.default_rng(seed)
    ids, look = RandomIds(rng), Look(options.label_map, options.quality)
    total = len(compared) * options.per_pair
    pairs = track(draw_pairs(compared, options.per_pair, look, ids), "study", total, unit="pairs")
    strata: list[list[str]] = [[] for _ in compared]
    drawn = []
    for number, each in pairs:
        strata[number].append(each.id)
        drawn.append(each)
    forms = make_forms(strata, options.per_participant, rng)
    taken = {(each.item.dataset, each.item.example) for each in drawn}
    _say_shown_again(drawn)
    least = min(map(len, forms))
    obvious = list(draw_obvious(compared, extras(options.obvious, least), look, taken, ids))
    forms = sorted(sorted([*form, *(each.id for each in obvious)]) for form in forms)
    drawn = sorted([*drawn, *obvious], key=lambda each: each.id)
    repeats = _repeats(options.repeats, least, min(map(len, forms)))
    question = options.question or (WITH_LABEL_MAP if options.label_map else QUESTION)
    files = {name: file for each in drawn for name, file in each.pictures.items()}
    files |= {each.id: each.label for each in drawn if each.label is not None}
    pictures = {name: base64.b64encode(file).decode() for name, file in files.items()}
    return _Study(drawn, forms, repeats, question, {each.id: each.data() for each in drawn}, pictures)


def _repeats(asked: int | None, pairs: int, shown: int) -> int:
    most = shown // APART
    if asked is not None and asked > most:
        raise UserError(f"--repeats {asked}: a participant sees {shown} pairs; expected at most a third, {most}")
    return min(extras(asked, pairs), most)


def _say_shown_again(drawn: Sequence[Drawn]) -> None:
    """Says how many pictures are in several pairs, which tells a participant with a memory that one run made them."""
    shown = [(each.item.dataset, each.item.example, name) for each in drawn for name in each.item.pair or ()]
    again = len(shown) - len(set(shown))
    if again:
        say(f"{again} of {len(shown)} pictures are shown again in another pair: there are too few label maps")
