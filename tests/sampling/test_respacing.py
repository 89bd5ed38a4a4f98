"""Which timesteps `generate` walks, and what run.json says of them."""

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


def test_samples_of_other_timesteps_are_others_and_say_so(toy_cityscapes: Path, tmp_path: Path) -> None:
    run_training(tiny_options("sdm", toy_cityscapes), LoopOptions(steps=1, device="cpu"), tmp_path / "run")

    def made(name: str, **sampling: str | int) -> tuple[SampleOptions, bytes]:
        chosen = SamplingOptions(solver="ddim", guidance=1.0, **sampling)  # type: ignore[arg-type]
        where = DatasetSplit(), tmp_path / name, [0]
        generate_samples(WeightsSpec(tmp_path / "run"), *where, sampling=chosen, command="", device="cpu")
        first = min((tmp_path / name / "samples").rglob("*.png"))
        return SampleFolder(tmp_path / name).options(), first.read_bytes()

    strided, of_strided = made("strided", solver_steps=3)
    named, of_named = made("named", timestep_respacing="ddim3")
    sections, of_sections = made("sections", timestep_respacing="3")
    assert (strided, of_strided) == (named, of_named)
    assert of_sections != of_strided
    assert (sections.solver_steps, sections.timestep_respacing) == (3, "3")
    assert (strided.solver_title, sections.solver_title) == ("ddim", "ddim respaced 3")
    assert "timestep_respacing" not in strided.model_dump()
    with pytest.raises(UserError, match="timestep_respacing: '3' there, None asked for"):
        made("sections", solver_steps=3)
    with pytest.raises(UserError, match="--solver-steps 3: --timestep-respacing 3 says how many; give one"):
        made("both", solver_steps=3, timestep_respacing="3")
