"""Guidance by a segmenter of noisy pictures: the gradient of log p(label map | x_t) at x_t.

The segmenter's pixels are independent given the picture, so that log p of a whole label map is the sum over its pixels;
those whose class isn't evaluated do not count. s = 1 is Bayes' rule for such a segmenter.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.base.devices import full_precision
from sdm_bench.base.finite import NotFinite
from sdm_bench.conditioning import Condition
from sdm_bench.datasets.base import IGNORED
from sdm_bench.diffusion.gaussian_diffusion import NoiseSchedule
from sdm_bench.diffusion.guidance import Pull


@dataclass(frozen=True)
class GuidingSegmenter:
    """A segmenter of noisy pictures, in evaluation mode.

    network: (x_t (N, 3, H, W), timesteps (N,) in [0, 1000)) -> scores (N, evaluated classes, H, W). evaluate_as: int64,
    the network's class of each class id, IGNORED for none. sha256: over its tensors and what else decides its scores.
    """

    network: nn.Module
    evaluate_as: Tensor
    source: str
    sha256: str

    def to(self, device: torch.device | str) -> "GuidingSegmenter":
        """The same on a device."""
        return replace(self, network=self.network.to(device), evaluate_as=self.evaluate_as.to(device))

    def pull(self, condition: Condition, schedule: NoiseSchedule, scale: float) -> Pull:
        """What moves a batch towards its label maps, at indices of `schedule`; the gradients are float32.

        It raises NotFinite where one is NaN or Inf.
        """
        truth = self.evaluate_as[condition.label]

        def pull(x: Tensor, t: Tensor) -> Tensor:
            gradient = self.gradient(x, schedule.scaled_timesteps(t), truth)
            if not gradient.isfinite().all():
                raise NotFinite(
                    f"{self.source}: NaN or Inf in its gradient at timestep {int(schedule.timestep_map[int(t)])}; "
                    "nothing was written of these pictures"
                )
            return scale * gradient

        return pull

    def gradient(self, x: Tensor, timesteps: Tensor, truth: Tensor) -> Tensor:
        """grad log p(truth | x) at x (N, 3, H, W): of a sample by its own pixels alone.

        timesteps: (1,), for all. truth: int64 (N, H, W), the network's classes, or IGNORED.
        """
        with torch.inference_mode(False), torch.enable_grad(), full_precision():
            # tensors of inference mode take no part in gradients; their copies do
            at, target = x.clone().float().requires_grad_(), truth.clone()
            scores = self.network(at, timesteps.clone().expand(len(at)))
            log_likelihood = -F.cross_entropy(scores.float(), target, ignore_index=IGNORED, reduction="sum")
            # not autograd.grad, which counters of operations can't follow
            log_likelihood.backward()
        assert at.grad is not None
        return at.grad
