"""python -m tests.parity.pack FOLDER OUT: a folder of parity cases as the packs that `tests/parity/cases` holds.

A pack is a .tar.xz of the folder's own files, the arrays' archives without their deflate: xz, told that the bytes come
in fours, makes them a sixth smaller than deflate does. Unpacking the packs gives the folder back. The same cases make
the same bytes.
"""

import io
import lzma
import struct
import tarfile
import zipfile
from pathlib import Path

import click

from tests.parity.cases import SUFFIX, Source, find

KEYS = "keys"
TEXT = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]
NUMBERS = [{**TEXT[0], "lc": 1, "lp": 2, "pb": 2}]


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
def main(folder: Path, out: Path) -> None:
    """Write the cases of FOLDER into OUT, a pack a group; of GANs a pack a method, and one for what is keys alone."""
    packs: dict[str, list[Source]] = {}
    for source in find(folder):
        packs.setdefault(pack_of(source), []).append(source)
    out.mkdir(parents=True, exist_ok=True)
    for name, sources in packs.items():
        path = out / f"{name}{SUFFIX}"
        path.write_bytes(packed(sources))
        click.echo(f"{path}: {len(sources)} cases, {path.stat().st_size:,} bytes")


def pack_of(source: Source) -> str:
    """The name of the pack that a case belongs in."""
    group, case = source.name.split("/")
    if source.read(".npz") is None:
        return KEYS
    return f"{group}-{case.split('-')[0]}" if group == "gan" else group


def packed(sources: list[Source]) -> bytes:
    """The bytes of a pack."""
    contents = io.BytesIO()
    with tarfile.open(fileobj=contents, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for suffix in (".json", ".npz"):
            for source in sources:
                content = source.read(suffix)
                if content is None:
                    continue
                member = tarfile.TarInfo(f"{source.name}{suffix}")
                content = stored(content) if suffix == ".npz" else content
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    numbers = any(source.read(".npz") for source in sources)
    return lzma.compress(contents.getvalue(), filters=NUMBERS if numbers else TEXT)


def stored(archive: bytes) -> bytes:
    """An .npz with its arrays as they are in memory, each at a multiple of eight bytes, without times."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            member = zipfile.ZipInfo(name)
            # 30 bytes of header and the name stand before the extra field, whose first four bytes are its own header.
            padding = -(out.tell() + 30 + len(name.encode()) + 4) % 8
            member.extra = struct.pack("<HH", 0xFFFF, padding) + bytes(padding)
            new.writestr(member, old.read(name))
    return out.getvalue()


if __name__ == "__main__":
    main()
