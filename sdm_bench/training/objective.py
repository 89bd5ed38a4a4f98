"""What the training loop needs of whatever it trains: a step, learning rates, averages of weights, a state to save."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from sdm_bench.base.files import read_json
from sdm_bench.checkpoints.runs import read_module, restore_optimizer, save_step
from sdm_bench.models.preset import TrainingPreset
from sdm_bench.training.batches import Batch
from sdm_bench.training.synchronised import average_gradients, synchronise

if TYPE_CHECKING:
    from accelerate import Accelerator


class Objective(ABC):
    """Modules, their averages and optimizers, and one step that trains them.

    modules: "network", the one whose weights are the result, and what is trained with it. rates: the learning rate of
    each optimizer before it decays. extra_state: what else a run needs to be resumed as if it had not stopped.
    batch_norm_batches: how many batches `recalibrate_batch_norm` takes. suspects: ids of the examples of this process
    in the last step, or those of them whose losses were found to be NaN or Inf.
    """

    accelerator: "Accelerator"

    def __init__(self, network: nn.Module, optimizer: Optimizer, preset: TrainingPreset) -> None:
        self.preset = preset
        self.modules: dict[str, nn.Module] = {"network": network}
        self.optimizers: dict[str, Optimizer] = {"network": optimizer}
        self.rates = {"network": preset.learning_rate}
        self.averages: dict[str, AveragedModel] = {}
        self.extra_state: dict[str, nn.Module] = {}
        self.batch_norm_batches = 0
        self.suspects: list[str] = []
        if preset.ema_decay is not None:
            self.averages["network"] = exponential_average(network, preset.ema_decay, preset.ema_warmup)
            self.batch_norm_batches = preset.batch_norm_batches

    def step(self, batches: Sequence[Batch], progress: float) -> dict[str, float]:
        """One update from accumulated `batches`, at the share `progress` (0..1) of the schedule; the scalars to log.

        No scalars mean that there was nothing to learn from, and that nothing was changed.
        """
        for name, rate in self.rates.items():
            set_learning_rate(self.optimizers[name], rate, self.preset, progress)
        self.suspects = [each for batch in batches for each in batch.ids]
        scalars = self.update(batches)
        for name, average in self.averages.items() if scalars else ():
            average.update_parameters(self.accelerator.unwrap_model(self.modules[name]))
        return scalars

    @abstractmethod
    def update(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Steps every optimizer once, with the mean gradient of `batches`; the scalars to log."""

    def optimize(self, name: str) -> None:
        """Steps the optimizer called `name` with the mean of all processes' gradients, which are then forgotten."""
        average_gradients(each for group in self.optimizers[name].param_groups for each in group["params"])
        self.optimizers[name].step()
        self.optimizers[name].zero_grad()

    def prepare(self, accelerator: "Accelerator") -> None:
        """Moves everything to the accelerator's device; several processes train one network, see synchronised.py."""
        self.accelerator = accelerator
        for average in self.averages.values():
            average.to(accelerator.device)
        # "evaluation mode" means here: device and precision, but none of accelerate's own wrappers for processes
        self.modules = {
            name: accelerator.prepare_model(module, evaluation_mode=True) for name, module in self.modules.items()
        }
        for module in self.modules.values():
            synchronise(module)
        self.optimizers = {name: accelerator.prepare_optimizer(optim) for name, optim in self.optimizers.items()}

    def recalibrate_batch_norm(self, batches: Iterable[Batch]) -> None:
        """Measures the batch-norm statistics of averaged networks on `batches`; where `batch_norm_batches` is set."""
        raise NotImplementedError

    def result(self) -> tuple[nn.Module, bool]:
        """The network to use, and whether it is an average."""
        if "network" in self.averages:
            return self.averages["network"].module, True
        return self.accelerator.unwrap_model(self.modules["network"]), False

    def save(self, folder: Path, step: int, state: dict[str, Any]) -> None:
        """Writes a step folder."""
        tensors: dict[str, dict[str, Tensor]] = {
            name: self.accelerator.unwrap_model(module).state_dict() for name, module in self.modules.items()
        }
        for name, average in self.averages.items():
            tensors[f"{name}-average"] = average.state_dict()
        tensors |= {name: module.state_dict() for name, module in self.extra_state.items()}
        scaler = self.accelerator.scaler
        scaling = {} if scaler is None else {"scaler": scaler.state_dict()}
        save_step(folder, step, tensors, self.optimizers, {**state, **scaling})

    def restore(self, folder: Path) -> None:
        """Loads a step folder."""
        for name, module in self.modules.items():
            self.accelerator.unwrap_model(module).load_state_dict(read_module(folder, name))
        for name, average in self.averages.items():
            average.load_state_dict(read_module(folder, f"{name}-average"))
        for name, module in self.extra_state.items():
            module.load_state_dict(read_module(folder, name))
        for name, optimizer in self.optimizers.items():
            restore_optimizer(folder, name, optimizer)
        scaling = read_json(folder / "state.json").get("scaler")
        if self.accelerator.scaler is not None and scaling:
            self.accelerator.scaler.load_state_dict(scaling)


def adamw(network: nn.Module, preset: TrainingPreset) -> Optimizer:
    """AdamW with the rates of a preset."""
    return torch.optim.AdamW(
        network.parameters(), lr=preset.learning_rate, betas=preset.betas, weight_decay=preset.weight_decay
    )


def set_learning_rate(optimizer: Optimizer, rate: float, preset: TrainingPreset, progress: float) -> None:
    """Sets the rate for the share `progress` of the run: constant, then falling to zero from `decay_from` on.

    It falls as (1 - x)^decay_power: linearly with power 1; with 0.9 as the `poly` schedule of segmentation does.
    """
    factor, progress = 1.0, min(progress, 1.0)
    if preset.decay_from is not None and progress > preset.decay_from:
        factor = ((1 - progress) / (1 - preset.decay_from)) ** preset.decay_power
    for group in optimizer.param_groups:
        group["lr"] = rate * factor


def exponential_average(module: nn.Module, decay: float, warmup: bool) -> AveragedModel:
    """A copy of `module` whose `update_parameters(module)` makes it decay * copy + (1 - decay) * module.

    Buffers are averaged too. With `warmup` the decay of the n-th update is at most (1 + n) / (10 + n), so that short
    runs forget where they started.
    """

    @torch.no_grad()
    def average(
        averaged: tuple[Tensor, ...] | list[Tensor],
        current: tuple[Tensor, ...] | list[Tensor],
        updates: Tensor | int,
    ) -> None:
        n = int(updates)
        rate = min(decay, (1 + n) / (10 + n)) if warmup else decay
        if torch.is_floating_point(averaged[0]):
            torch._foreach_lerp_(averaged, current, 1 - rate)
        else:
            for value, new in zip(averaged, current, strict=True):
                value.copy_(rate * value + (1 - rate) * new)

    model = AveragedModel(module, multi_avg_fn=average, use_buffers=True)
    # The average starts at the initial weights, not at those of the first step.
    model.n_averaged += 1
    return model.requires_grad_(False).eval()
