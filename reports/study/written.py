"""What `study tally` writes: tables, a document of them, the figure, and votes for other programs."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from reports.latex import document
from reports.names import Names, named
from reports.report import DOCUMENT
from reports.study.figure import preference_figure
from reports.study.tables import study_tables
from reports.study.tally import Tally
from reports.table import FORMATS, harmless
from sdm_bench.base.files import refuse_unwritable, write_bytes, write_text
from sdm_bench.base.progress import say

VOTES_FILE = "votes.csv"


def write_tally(
    tally: Tally,
    out: Path,
    formats: Sequence[str] = FORMATS,
    pictures: Sequence[str] = ("png",),
    names: Names | None = None,
) -> list[Path]:
    """Writes all that a study says below `out`; returns the paths. formats: of tables; pictures: of the figure."""
    refuse_unwritable(out, "--out")
    with named(names or {}):
        tables = study_tables(tally)
        texts = {name: text for table in tables for name, text in table.files(formats).items()}
        if "tex" in formats:
            texts[DOCUMENT] = document([table.name for table in tables])
        texts[VOTES_FILE] = votes_csv(tally)
        drawn = preference_figure(tally).files(pictures)
    for name, text in texts.items():
        write_text(out / name, text)
    for name, data in drawn.items():
        write_bytes(out / name, data)
    failed = sum(not each.passed for each in tally.participants)
    say(f"{tally.people}, {len(tally.votes)} choices; {failed} failed the checks")
    return [out / name for name in (*texts, *drawn)]


def votes_csv(tally: Tally) -> str:
    """A line a choice, repeated and obvious ones left out, as programs for ranking models read them."""
    titles = tally.key.titles()
    votes = [
        {
            "model_a": titles[vote.pair[0]],
            "model_b": titles[vote.pair[1]],
            "winner": titles[vote.winner],
            "item_id": f"{vote.dataset}/{vote.item}",
            "voter_id": vote.participant,
        }
        for vote in tally.votes
    ]
    heading = ["model_a", "model_b", "winner", "item_id", "voter_id"]
    return str(pd.DataFrame(votes, columns=heading).map(harmless).to_csv(index=False, lineterminator="\n"))
