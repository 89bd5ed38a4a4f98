"""What a folder of toy scenes says of itself."""

from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.toy_scenes import toy_dataset
from sdm_bench.toy import write_toy


def test_toy_scenes_say_whose_they_are(tmp_path: Path) -> None:
    write_toy("ade20k", tmp_path / "scenes", {"val": 1}, (32, 32))
    assert toy_dataset(tmp_path / "scenes") == "ade20k"
    assert (toy_dataset(tmp_path), toy_dataset(None)) == (None, None)
    (tmp_path / "scenes" / "toy.json").write_text("{}")
    with pytest.raises(UserError, match=r"toy\.json: .*dataset"):
        toy_dataset(tmp_path / "scenes")
