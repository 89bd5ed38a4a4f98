"""Members of archives come out within one limit, and only where their names make a place."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from sdm_bench.base.archives import Budget, members, unpack_member
from sdm_bench.base.filekinds import RefusedFile


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return path


def tarred(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return path


def unpack(path: Path, target: Path) -> None:
    for member in members(path, Budget.of(path)):
        unpack_member(member, target.joinpath(*member.name.parts))


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_members_come_out_as_they_are(tmp_path: Path, pack: object) -> None:
    path = pack(tmp_path / "a", {"x/b.pth": b"one", "c.pth": b"two"})  # type: ignore[operator]
    unpack(path, tmp_path / "out")
    assert (tmp_path / "out" / "x" / "b.pth").read_bytes() == b"one"
    assert (tmp_path / "out" / "c.pth").read_bytes() == b"two"


def test_a_member_too_large_to_be_honest_is_not_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"b.pth": bytes(70 << 20)})
    with pytest.raises(RefusedFile, match=r"a\.zip: b\.pth has 73400320 bytes; at most 6\d{7} come out"):
        unpack(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("names", [["x" * 300], ["d/" * 2000 + "x"], ["a", "a/b"]], ids=["long", "deep", "both"])
def test_names_that_make_no_place_are_the_archive_s_fault(tmp_path: Path, names: list[str]) -> None:
    path = tarred(tmp_path / "a.tar", dict.fromkeys(names, b"x"))
    with pytest.raises(RefusedFile, match=r"a\.tar: not readable as an archive"):
        unpack(path, tmp_path / "out")


@pytest.mark.parametrize(("at", "value"), [(6, 1), (8, 97)], ids=["encrypted", "packed in an unknown way"])
def test_members_that_cannot_be_read_are_named_with_their_archive(tmp_path: Path, at: int, value: int) -> None:
    path = zipped(tmp_path / "a.zip", {"b": b"one"})
    body = bytearray(path.read_bytes())
    body[at] = body[body.index(b"PK\x01\x02") + at + 2] = value
    path.write_bytes(body)
    with pytest.raises(RefusedFile, match=r"a\.zip: not readable as an archive"):
        unpack(path, tmp_path / "out")


def test_a_full_disk_is_not_the_archive_s_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*out/b'"):
        unpack(zipped(tmp_path / "a.zip", {"b": b"one"}), tmp_path / "out")


def test_archives_lie_in_one_another_three_times(tmp_path: Path) -> None:
    budget = Budget.of(zipped(tmp_path / "a.zip", {}))
    for _ in range(3):
        budget.enter("inner.zip")
    with pytest.raises(RefusedFile, match=r"a\.zip: inner\.zip is an archive in more than 3 others"):
        budget.enter("inner.zip")
