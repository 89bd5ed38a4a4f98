"""The table of what sampling spends where: its parts, on the path that `generate` takes. No speed."""

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.benchmarks import generation
from sdm_bench.benchmarks.generation import PARTS, generation_shares
from sdm_bench.sampling.generate import write_png


def test_every_part_has_its_line_and_every_picture_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[int, ...]] = []

    def noted(path: object, pixels: object) -> None:
        write_png(path, pixels)  # type: ignore[arg-type]
        written.append(pixels.shape)  # type: ignore[attr-defined]

    monkeypatch.setattr(generation, "write_png", noted)
    table = generation_shares("spade", batch_size=2, batches=2, device="cpu")
    assert written == [(32, 64, 3)] * 6, "one batch more than is timed"
    assert table["part"].tolist() == list(PARTS)
    assert (table["seconds"] > 0).all()
    assert table["share"].sum() == pytest.approx(1)
    assert table["batch"].tolist() == [2] * len(PARTS)


def test_diffusion_models_are_measured_elsewhere() -> None:
    with pytest.raises(UserError, match="--method sdm: a diffusion model; `benchmark sampling`"):
        generation_shares("sdm")


def test_nothing_cannot_be_timed() -> None:
    with pytest.raises(UserError, match="--batches 0: expected at least 1"):
        generation_shares("spade", batches=0)
