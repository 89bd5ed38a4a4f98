"""Files are whole or absent."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdm_bench.files import atomic_path, read_json, sha256_file, write_json, write_png


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
