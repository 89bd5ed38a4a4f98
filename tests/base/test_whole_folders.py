"""Folders are whole or as they were; what is not the program's own is never replaced."""

from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import write_json
from sdm_bench.base.whole_folders import files_of, refuse_foreign, whole_folder


def written(folder: Path, text: str) -> None:
    refuse_foreign(folder, "kind.json", "--out", "kind")
    with whole_folder(folder) as made:
        (made / "sub").mkdir()
        (made / "sub/text").write_text(text)
        write_json(made / "kind.json", {"files": files_of(made)})


def test_an_earlier_one_is_replaced_whole(tmp_path: Path) -> None:
    for text in ("first", "second"):
        written(tmp_path / "a/b", text)
        assert files_of(tmp_path / "a") == ["b/kind.json", "b/sub/text"]
        assert (tmp_path / "a/b/sub/text").read_text() == text


def test_what_fails_leaves_the_earlier_one(tmp_path: Path) -> None:
    written(tmp_path / "b", "first")
    with pytest.raises(FileNotFoundError), whole_folder(tmp_path / "b") as made:
        (made / "absent/half").write_text("x")
    assert files_of(tmp_path) == ["b/kind.json", "b/sub/text"]


def test_a_link_among_the_files_is_foreign(tmp_path: Path) -> None:
    written(tmp_path / "b", "first")
    (tmp_path / "b/link").symlink_to(tmp_path)
    with pytest.raises(UserError, match=r"--out .*b: link is not of the kind, and would be lost; move it away"):
        written(tmp_path / "b", "second")
