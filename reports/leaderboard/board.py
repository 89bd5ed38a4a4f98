"""The leaderboard: a static site of all bundles below a folder, their numbers apart by what compares."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from reports.leaderboard.check import Bundle, check
from reports.leaderboard.sections import tables_of
from reports.leaderboard.tree import MANIFEST, shown
from reports.pages.render import render
from reports.published.numbers import DATASETS
from reports.published.table import published_tables
from reports.site.site import (
    INDEX,
    TABLE_FILES,
    Content,
    Heading,
    Link,
    account_addresses,
    fill,
    refuse_site,
    whole_site,
    write_protocols,
)
from reports.table import NothingToShow, Table
from reports.tables import make_tables
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import write_text
from sdm_bench.evaluation.again import tolerance
from sdm_bench.results.rows import ResultRow

# Where the pages of each bundle are.
BUNDLES = "bundles"


def write_board(folder: Path, out: Path) -> tuple[Path | None, list[str]]:
    """Writes the site of all bundles below `folder` to `out`; returns its first page, and a line a refused bundle.

    Broken bundles, and those whose numbers of the same measurement contradict each other, are left out; where none is
    left nothing is written. Raises UserError where there is no bundle, and where `out` is no place for a site.
    """
    refuse_site(out, "--out")
    if out.resolve().is_relative_to(folder.resolve()) or folder.resolve().is_relative_to(out.resolve()):
        raise UserError(f"--out {out}: in or around {folder}; choose another place")
    bundles: dict[str, Bundle] = {}
    refused = []
    for name, place in bundles_below(folder):
        found = check(place)
        if name != shown(name):
            refused.append(f"{shown(name)}: a folder's name that can't be printed; call it otherwise")
        elif found.wrong:
            more = f" and {len(found.wrong) - 1} more" if len(found.wrong) > 1 else ""
            refused.append(f"{shown(name)}: {found.wrong[0]}{more}; `sdm-bench leaderboard check` lists all")
        else:
            bundles[name] = found
    if not bundles and not refused:
        raise UserError(f"{folder}: no {MANIFEST} below it; `sdm-bench submit` writes bundles")
    conflicts = contradictions(bundles)
    refused += [f"{shown(name)}: {why}" for name, why in conflicts.items()]
    bundles = {name: bundle for name, bundle in bundles.items() if name not in conflicts}
    if not bundles:
        return None, refused
    with whole_site(out) as made:
        _fill(made, bundles)
    return out / INDEX, refused


def bundles_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """The bundles at or below a folder by their paths in it, sorted; links and what is hidden are passed over."""
    for place, inside, files in os.walk(folder, onerror=_refuse):
        if MANIFEST in files:
            name = Path(place).relative_to(folder).as_posix()
            yield (folder.resolve().name if name == "." else name), Path(place)
            inside.clear()
        inside[:] = sorted(each for each in inside if not each.startswith("."))


def _refuse(error: OSError) -> NoReturn:
    raise error


def contradictions(bundles: Mapping[str, Bundle]) -> dict[str, str]:
    """The bundles with a number that another has otherwise, by name; processors' rounding is none."""
    first: dict[tuple, tuple[str, ResultRow]] = {}
    found: dict[str, str] = {}
    for name, bundle in bundles.items():
        for row in bundle.rows:
            other, before = first.setdefault(row.key(), (name, row))
            if abs(row.value - before.value) > tolerance(row):
                what = shown(" ".join(part for part in (row.metric, row.class_name, "of", row.method) if part))
                said = f"{what}, the same measurement of the same pictures"
                found.setdefault(name, f"{row.id} is {row.value}; {shown(other)} has {before.value} ({said})")
                found.setdefault(other, f"{before.id} is {before.value}; {shown(name)} has {row.value} ({said})")
    return found


def _fill(folder: Path, bundles: Mapping[str, Bundle]) -> None:
    tables = tables_of(bundles)
    addresses: dict[str, str] = {}
    for name, bundle in bundles.items():
        fill(folder / BUNDLES / name, _content(name, bundle))
        addresses |= {
            f"{name}/{key}": f"{BUNDLES}/{quote(name)}/{where}" for key, where in account_addresses(bundle.rows).items()
        }
    rows = [row for bundle in bundles.values() for row in bundle.rows]
    datasets = sorted({row.dataset for row in rows})
    published = [table for dataset in datasets if dataset in DATASETS for table in published_tables(dataset)]
    for table in (*tables, *published):
        table.write(folder / "tables", TABLE_FILES)
    index = render(
        "leaderboard/board.html",
        bundles={name: each.manifest for name, each in bundles.items()},
        counts={name: len(each.sets) for name, each in bundles.items()},
        tables=tables,
        published=published,
        formats=TABLE_FILES,
        addresses=addresses,
        protocols=write_protocols(folder, rows),
    )
    write_text(folder / INDEX, index)


def _content(name: str, bundle: Bundle) -> Content:
    """The pages of one bundle."""
    assert bundle.manifest is not None
    about = bundle.manifest.submitter
    up = "../" * (len(Path(BUNDLES, name).parts))
    lines = [Link(f"Submitted by {about.name}")] if about.name else []
    lines += [Link(about.url, about.url)] if about.url else []
    lines += [Link(about.note)] if about.note else []
    pictures = "with its samples" if bundle.with_samples else "without samples"
    lines.append(Link(f"Bundle {bundle.manifest.digest}, {pictures}, written by sdm-bench {bundle.manifest.version}."))
    heading = Heading(name, Link("Leaderboard", f"{up}{INDEX}"), lines)
    return Content(bundle.rows, _tables(bundle.rows), [bundle.folder], [], [], heading=heading)


def _tables(rows: list[ResultRow]) -> list[Table]:
    try:
        return make_tables("comparison", rows)
    except NothingToShow:
        return []
