"""Numbers of single pictures are kept beside the results."""

from pathlib import Path

import pytest

from sdm_bench.errors import UserError
from sdm_bench.per_image import PerImage, read_per_image, store_per_image


def number(**changes: object) -> PerImage:
    common = {"dataset": "ade20k", "split": "val", "method": "sdm", "variant": "", "solver": "ddim", "steps": 25}
    about = {"guidance": 1.5, "protocol": "sdm-bench@1", "metric": "miou", "seed": 0, "id": "001", "value": 0.5}
    return PerImage(**{**common, **about, **changes})  # type: ignore[arg-type]


def test_a_newer_number_of_the_same_picture_replaces_the_older_one(tmp_path: Path) -> None:
    file = tmp_path / "per-image.csv"
    store_per_image(file, [number(), number(id="002")])
    store_per_image(
        file, [number(value=0.1 + 0.2), number(metric="lpips", seed=None), number(method="spade", steps=None)]
    )
    found = read_per_image(file)
    assert len(found) == 4
    assert found.query("method == 'sdm' and metric == 'miou' and id == '001'")["value"].tolist() == [0.1 + 0.2]
    assert found["id"].tolist().count("001") == 3
    assert found.query("metric == 'lpips'")["seed"].isna().all()


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UserError, match="columns a, b; expected dataset, split"):
        read_per_image(tmp_path / "other.csv")
