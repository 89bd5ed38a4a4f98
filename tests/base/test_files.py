"""Files are whole or absent, and changed by one at a time."""

import errno
import hashlib
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import (
    atomic_path,
    is_whole_picture,
    locked,
    read_json,
    read_object,
    read_yaml,
    refuse_unwritable,
    sha256_file,
    sha256_lines,
    tolerated,
    write_json,
    write_picture,
    write_png,
)


def test_a_name_twice_in_a_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": {"seed": 0, "seed": 1}}')
    with pytest.raises(UserError, match=r"a\.json: not readable as JSON: 'seed' is there twice"):
        read_json(tmp_path / "a.json")


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")

    def half_a_write() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        half_a_write()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_successful_write_replaces_the_file(tmp_path: Path) -> None:
    write_json(tmp_path / "new" / "a.json", {"ü": [1, 2.5]})
    write_json(tmp_path / "new" / "a.json", {"b": None})
    assert read_json(tmp_path / "new" / "a.json") == {"b": None}
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_pngs_hold_what_was_written(tmp_path: Path) -> None:
    sixteen = np.array([[0, 26001], [65535, 7]], np.uint16)
    write_png(tmp_path / "a.png", sixteen)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), sixteen)


def test_digests_are_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_file(tmp_path / "abc").startswith("ba7816bf8f01cfea414140de5dae2223")


def test_lines_have_the_digest_of_their_text() -> None:
    expected = hashlib.sha256("a\n\nü 1\n".encode()).hexdigest()
    assert sha256_lines(["a", "", "ü 1"]) == sha256_lines(iter(["a", "", "ü 1"])) == expected
    assert sha256_lines([]) == hashlib.sha256().hexdigest()
    others = [["a"], ["a", ""], ["", "a"], ["a", "b"], ["ab"], ["b", "a"]]
    assert len({sha256_lines(each) for each in others}) == len(others)


@pytest.mark.parametrize("content", [b"", b"{", b"{'a': 1}", b'"\xff"', b"[" * 100_000])
def test_what_is_no_json_is_refused_with_the_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UserError, match=rf"^{tmp_path}/a\.json: not (readable as JSON|a JSON in UTF-8): "):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_with_a_mark_of_its_encoding_is_read_as_text_is(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.json").write_text('{"a": "ü"}', encoding=encoding)
    assert read_json(tmp_path / "a.json") == {"a": "ü"}


def test_a_locked_folder_is_entered_by_one_at_a_time(tmp_path: Path) -> None:
    folder, entered, left = tmp_path / "new" / "folder", threading.Event(), threading.Event()

    def other() -> None:
        with locked(folder):
            entered.set()
        left.set()

    waiting = threading.Thread(target=other)
    with locked(folder):
        waiting.start()
        assert not entered.wait(0.2)
    assert entered.wait(10)
    assert left.wait(10)
    waiting.join()
    with locked(folder), locked(tmp_path / "another"):
        assert folder.is_dir()


def test_a_failure_under_the_lock_unlocks(tmp_path: Path) -> None:
    def fail() -> None:
        with locked(tmp_path):
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        fail()
    with locked(tmp_path):
        write_json(tmp_path / "a.json", 1)
    assert read_json(tmp_path / "a.json") == 1


def test_where_nothing_can_be_written_is_said_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_unwritable(tmp_path, "--out")
    refuse_unwritable(tmp_path / "new" / "deeper", "--out")
    monkeypatch.chdir(tmp_path)
    refuse_unwritable(Path("new"), "--out")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(UserError, match=rf"^--out {folder}: {tmp_path}/file is a file; expected a folder$"):
            refuse_unwritable(folder, "--out")
    # root may write anywhere, so that the system is not asked
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(UserError, match=rf"^--results {tmp_path}/new: no permission to write in {tmp_path}$"):
        refuse_unwritable(tmp_path / "new", "--results")


@pytest.mark.parametrize(("body", "what"), [(b"\xff", "save it in UTF-8"), (b"a\0", "a NUL at character 1")])
def test_text_that_is_none_is_refused_with_the_file(tmp_path: Path, body: bytes, what: str) -> None:
    (tmp_path / "a.yaml").write_bytes(body)
    with pytest.raises(UserError, match=rf"a\.yaml: not a YAML in UTF-8: .*{what}"):
        read_yaml(tmp_path / "a.yaml")


@pytest.mark.parametrize("body", ["[1", "2001-99-99", "[" * 5000, "{[]: 1}"])
def test_what_is_no_yaml_is_refused_with_the_file(tmp_path: Path, body: str) -> None:
    (tmp_path / "a.yaml").write_text(body)
    with pytest.raises(UserError, match=r"a\.yaml: not valid YAML"):
        read_yaml(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("[1]", "not fields with values, but a JSON of type list"),
        ("{}", "no step; expected one of type int"),
        ('{"step": "3"}', "a step of type str; expected one of type int"),
    ],
)
def test_json_without_the_fields_is_refused(tmp_path: Path, body: str, what: str) -> None:
    (tmp_path / "a.json").write_text(body)
    with pytest.raises(UserError, match=rf"a\.json: {what}"):
        read_object(tmp_path / "a.json", step=int)


@pytest.mark.parametrize(("name", "how"), [("a.png", {"format": "PNG"}), ("a.jpg", {"format": "JPEG"})])
def test_pictures_that_are_emptied_or_cut_are_not_whole(tmp_path: Path, name: str, how: dict) -> None:
    path = tmp_path / name
    assert not is_whole_picture(path)
    write_picture(path, np.zeros((9, 9), np.uint8), **how)
    body = path.read_bytes()
    assert is_whole_picture(path)
    for damaged in (b"", body[:-1], body[:9], body[1:]):
        path.write_bytes(damaged)
        assert not is_whole_picture(path)


def test_what_the_disk_refuses_names_the_file_and_leaves_nothing(tmp_path: Path) -> None:
    def write_to_a_full_disk() -> None:
        with atomic_path(tmp_path / "a.txt"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match=rf"No space left on device: '{tmp_path}/a\.txt'"):
        write_to_a_full_disk()
    assert list(tmp_path.iterdir()) == []


def test_what_need_not_be_stored_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    failed: list[str] = []
    for _ in range(2):
        with tolerated(failed, "features of x"):
            write_json(tmp_path / "file" / "a.json", 1)
    expected = f"features of x not stored: {tmp_path}/file/a.json: "
    assert len(failed) == 1
    assert failed[0].startswith(expected)
    assert capsys.readouterr().err == f"{failed[0]}\n"
