"""Multistep solvers of diffusers, on a noise schedule of ours and fed with predictions of x_0.

DPM-Solver++: arXiv 2211.01095; UniPC: arXiv 2302.04867.
"""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from sdm_bench.diffusion.schedule import NoiseSchedule


@dataclass(frozen=True)
class Multistep:
    """A scheduler class of diffusers, its options, and whether its steps take fresh noise."""

    scheduler: str
    options: dict[str, Any] = field(default_factory=dict)
    takes_noise: bool = False

    def noise(self, drawn: Tensor) -> dict[str, Tensor]:
        """The further arguments of a step."""
        return {"variance_noise": drawn} if self.takes_noise else {}


MULTISTEP = {
    "dpm-solver++": Multistep("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++"}),
    "dpm-solver++-sde": Multistep("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}, True),
    "unipc": Multistep("UniPCMultistepScheduler"),
}


def make_scheduler(name: str, schedule: NoiseSchedule, steps: int) -> Any:
    """The scheduler called `name`, of second order, set to `steps` timesteps; it holds the state of one walk.

    Timesteps are spread evenly from the last one down. The scheduler takes x_0, so that guidance and thresholding are
    those of every solver, and lands on x_0 after the last step.
    """
    import diffusers

    about = MULTISTEP[name]
    scheduler = getattr(diffusers, about.scheduler)(
        num_train_timesteps=len(schedule),
        trained_betas=schedule.betas,
        solver_order=2,
        prediction_type="sample",
        timestep_spacing="linspace",
        final_sigmas_type="zero",
        **about.options,
    )
    scheduler.set_timesteps(steps)
    return scheduler
