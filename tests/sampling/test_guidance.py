"""Guidance as `generate` takes it: off where the null label was not learnt, and what was asked for is said in rows."""

from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints.generators import WeightsSpec
from sdm_bench.datasets.known_datasets import DatasetSplit
from sdm_bench.sampling.folders import SampleFolder, SampleOptions
from sdm_bench.sampling.generate import generate_samples
from sdm_bench.sampling.synthesizers import SamplingOptions
from sdm_bench.training.loop import LoopOptions
from sdm_bench.training.recipes import run_training
from tests.conftest import tiny_options


@pytest.mark.parametrize("dropped", [0.0, 0.2])
def test_guidance_needs_the_null_label(
    dropped: float, toy_cityscapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    run_training(
        tiny_options("sdm", toy_cityscapes, condition_dropout=dropped), LoopOptions(steps=1, device="cpu"), run
    )

    def made(name: str, guidance: float | None) -> SampleOptions:
        sampling = SamplingOptions("ddim", 2, guidance)
        generate_samples(
            WeightsSpec(run), DatasetSplit(), tmp_path / name, [0], sampling=sampling, command="", device="cpu"
        )
        return SampleFolder(tmp_path / name).options()

    default = made("default", None)
    told = capsys.readouterr().err
    assert default.guidance == (1.5 if dropped else 1.0)
    assert ("sampling without guidance: guidance needs the null label" in told) == (not dropped)
    asked = made("asked", 2.0)
    assert asked.guidance == 2.0
    assert asked.training_note == ("" if dropped else "guided by a null label that was not learnt")
    assert ("warning: --guidance 2" in capsys.readouterr().err) == (not dropped)
    with pytest.raises(UserError, match=r"--guidance 0\.5: expected s of the released code, from 1 \(off\) on"):
        made("half", 0.5)
    assert not (tmp_path / "half").exists()
