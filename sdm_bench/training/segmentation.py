"""The training of segmenters: pixel cross-entropy over the evaluated classes."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.datasets.base import IGNORED, ClassTable
from sdm_bench.models.preset import TrainingPreset
from sdm_bench.training.batches import Batch
from sdm_bench.training.objective import Objective, adamw, learning_rate_at


class SegmentationObjective(Objective):
    """Trains `network`, pictures (N, 3, H, W) -> scores (N, evaluated classes, H, W), on a dataset's own pairs."""

    def __init__(self, network: nn.Module, classes: ClassTable, preset: TrainingPreset, seed: int):
        super().__init__(seed)
        self.preset = preset
        self.evaluate_as = torch.from_numpy(classes.evaluate_as).long()
        self.take(network, adamw(network, preset), preset)

    def step(self, batches: Sequence[Batch], progress: float) -> dict[str, float]:
        """One update from the mean gradient of `batches`."""
        learning_rate_at(self.optimizers["network"], self.preset.learning_rate, self.preset, progress)
        total, right = 0.0, 0.0
        for batch in batches:
            truth = self.evaluate_as.to(batch.condition.label.device)[batch.condition.label]
            with self.accelerator.autocast():
                scores = self.modules["network"](batch.images)
                loss = F.cross_entropy(scores, truth, ignore_index=IGNORED)
            self.accelerator.backward(loss / len(batches))
            total += float(loss.detach()) / len(batches)
            right += _accuracy(scores, truth) / len(batches)
        self.optimizers["network"].step()
        self.optimizers["network"].zero_grad()
        self.update_averages()
        return {"loss": total, "accuracy": right}


def _accuracy(scores: Tensor, truth: Tensor) -> float:
    counted = truth != IGNORED
    return float((scores.argmax(1) == truth)[counted].float().mean())
