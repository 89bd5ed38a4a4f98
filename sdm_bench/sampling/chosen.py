"""What samples a trained network: the options that are asked for, or else its preset's, and the synthesizer of them."""

from typing import Any

import torch

from sdm_bench.base.devices import pick_device
from sdm_bench.base.errors import UserError
from sdm_bench.base.finite import refuse_weights
from sdm_bench.base.progress import say
from sdm_bench.checkpoints.generators import TrainedNetwork
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.datasets.transforms import DEFAULT_RECIPE
from sdm_bench.diffusion.gaussian_diffusion import preset_schedule
from sdm_bench.diffusion.solvers import STEPS, respaced_solver
from sdm_bench.models import methods
from sdm_bench.models.preset import DiffusionPreset
from sdm_bench.sampling.classifier import GuidingSegmenter
from sdm_bench.sampling.folders import SEGMENTER
from sdm_bench.sampling.synthesizers import SamplingOptions, Speed, Synthesizer, make_synthesizer


def refuse_idle_options(method: str, sampling: SamplingOptions, speed: Speed) -> None:
    """Raises UserError for what is said of a diffusion model's samples where the method is a GAN."""
    chosen = vars(sampling) | vars(speed)
    said = [name for name, value in chosen.items() if value is not None and value is not False]
    if methods.method(method).kind == "gan" and said:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in said)
        raise UserError(f"{flags}: {method} is a GAN; diffusion models take {'it' if len(said) == 1 else 'them'}")


def sampling_of(trained: TrainedNetwork, sampling: SamplingOptions) -> dict[str, Any]:
    """The fields of SamplingOptions that are asked for, or else the preset's; raises UserError where they misfit."""
    asked = {name: value for name, value in vars(sampling).items() if value is not None}
    preset = {name: value for name, value in (trained.about.sampling or {}).items() if value is not None}
    if "guidance" in preset and not learnt_null_label(trained):
        preset["guidance"] = 1.0
    asked = _respaced(asked, preset, trained)
    if asked.get("guidance_by") == SEGMENTER:
        _check_by_segmenter(asked, (preset | asked)["solver"])
        return preset | asked
    asked.pop("guidance_by", None)
    if "segmenter" in asked:
        raise UserError(f"--segmenter {asked['segmenter']}: guides nothing; give --guidance-by {SEGMENTER} too")
    # so written that NaN is refused too
    if not asked.get("guidance", 1) >= 1:
        raise UserError(f"--guidance {asked['guidance']:g}: expected s of the released code, from 1 (off) on")
    return preset | asked


def _check_by_segmenter(asked: dict[str, Any], solver: str) -> None:
    """Raises UserError where a segmenter can't guide as it was asked to."""
    if "segmenter" not in asked:
        raise UserError(f"--guidance-by {SEGMENTER}: by which? Give --segmenter, a run of `segment train --noisy`")
    if not asked.get("guidance", 0) > 0:
        found = f" {asked['guidance']:g}" if "guidance" in asked else ""
        raise UserError(f"--guidance{found}: expected s above 0, what multiplies the segmenter's gradient")
    if solver not in STEPS:
        raise UserError(f"--solver {solver}: guidance by a segmenter is defined for {' and '.join(STEPS)}")


def guiding_segmenter(
    trained: TrainedNetwork, chosen: dict[str, Any], dataset: SemanticDataset
) -> GuidingSegmenter | None:
    """The segmenter that guides, None where none does; raises UserError where it doesn't fit what it is to guide."""
    source = chosen.get("segmenter")
    if source is None:
        return None
    from sdm_bench.checkpoints.segmenters import load_guiding

    process = DiffusionPreset(**(trained.about.diffusion or {}))
    network, digest = load_guiding(source, dataset.name, dataset.classes, trained.about.image_size, process)
    refuse_weights(network.state_dict(), source)
    return GuidingSegmenter(network, torch.from_numpy(dataset.classes.evaluate_as).long(), source, digest)


def _respaced(asked: dict[str, Any], preset: dict[str, Any], trained: TrainedNetwork) -> dict[str, Any]:
    """What was asked for, with the number of steps of a respacing; without it where the solver takes those anyway."""
    spec, diffusion = asked.get("timestep_respacing"), trained.about.diffusion
    if spec is None or diffusion is None:
        return asked
    if "solver_steps" in asked:
        raise UserError(f"--solver-steps {asked['solver_steps']}: --timestep-respacing {spec} says how many; give one")
    solver = respaced_solver((preset | asked)["solver"], spec, preset_schedule(DiffusionPreset(**diffusion)))
    return asked | {"solver_steps": solver.steps, "timestep_respacing": solver.respacing}


def recipe_of(trained: TrainedNetwork) -> str:
    """How label maps were read in the training."""
    found: str = trained.about.training.get("training", {}).get("recipe", DEFAULT_RECIPE)
    return found


def synthesizer_of(
    trained: TrainedNetwork,
    sampling: SamplingOptions,
    device: str,
    speed: Speed,
    segmenter: GuidingSegmenter | None = None,
) -> Synthesizer:
    """What samples a trained network; `sampling` says all that a diffusion model needs, see `sampling_of`."""
    about = trained.about
    diffusion = None if about.diffusion is None else DiffusionPreset(**about.diffusion)
    return make_synthesizer(
        about.method, trained.network, trained.config, diffusion, sampling, pick_device(device), speed, segmenter
    )


def say_guidance(guidance: float | None, asked: float | None, trained: TrainedNetwork) -> None:
    """Why guidance is off by default, or that it can't work, where the null label was not learnt."""
    if guidance is None or learnt_null_label(trained):
        return
    advice = (
        f"guidance needs the null label, which {trained.source} has not learnt; fine-tune it with "
        "`train --init ... --condition-dropout 0.2`"
    )
    if asked is None:
        say(f"sampling without guidance: {advice}")
    elif guidance > 1:
        say(f"warning: --guidance {guidance:g}: {advice}")


def learnt_null_label(trained: TrainedNetwork) -> bool:
    """False where the weights say that no label map was dropped in training."""
    return trained.about.training.get("condition_dropout") != 0
