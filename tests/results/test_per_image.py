"""Numbers of single pictures are kept beside the results."""

from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.results.per_image import PerImage, add_per_image, read_per_image


def number(**changes: object) -> PerImage:
    common = {"dataset": "ade20k", "split": "val", "method": "sdm", "variant": "", "solver": "ddim", "steps": 25}
    common |= {"guidance": 1.5, "sample_set": "s", "protocol": "sdm-bench@1", "protocol_sha256": "p"}
    about = {"measure": "miou", "extractor_sha256": "e", "metric": "miou", "seed": 0, "id": "001", "value": 0.5}
    return PerImage(**{**common, **about, **changes})  # type: ignore[arg-type]


def test_a_newer_measurement_replaces_all_numbers_of_the_older_one(tmp_path: Path) -> None:
    file = tmp_path / "per-image.csv"
    add_per_image(file, [number(), number(id="002")])
    add_per_image(file, [number(value=0.1 + 0.2)])
    add_per_image(file, [number(measure="lpips", metric="lpips", seed=None)])
    add_per_image(file, [number(method="spade", sample_set="t", steps=None, guidance=None)])
    found = read_per_image(file)
    assert found["id"].tolist() == ["001"] * 3
    assert found.query("method == 'sdm' and metric == 'miou'")["value"].tolist() == [0.1 + 0.2]
    assert found.query("metric == 'lpips'")["seed"].isna().all()
    assert found.query("method == 'spade'")["guidance"].isna().all()


@pytest.mark.parametrize("change", [{"sample_set": "t"}, {"extractor_sha256": "f"}, {"protocol": "sdm@1"}], ids=str)
def test_measurements_of_other_pictures_or_by_other_networks_stay(change: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "per-image.csv"
    add_per_image(file, [number()])
    add_per_image(file, [number(**change)])
    assert len(read_per_image(file)) == 2


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UserError, match="columns a, b; expected dataset, split"):
        read_per_image(tmp_path / "other.csv")
    add_per_image(tmp_path / "broken.csv", [number()])
    text = (tmp_path / "broken.csv").read_text().replace("0.5", "half")
    (tmp_path / "broken.csv").write_text(text)
    with pytest.raises(UserError, match=r"broken\.csv: not numbers of single pictures"):
        read_per_image(tmp_path / "broken.csv")
