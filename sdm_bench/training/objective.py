"""What the training loop needs of whatever it trains."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from sdm_bench.models.preset import TrainingPreset
from sdm_bench.training import checkpoints
from sdm_bench.training.averaging import exponential_average
from sdm_bench.training.batches import Batch

if TYPE_CHECKING:
    from accelerate import Accelerator


class Objective(ABC):
    """Modules, their averages and optimizers, and one step that trains them.

    `modules` has an entry "network", the one whose weights are the result. `memories` hold what else a run needs to
    be resumed as if it had not stopped. `statistics_batches`: how many batches `refresh` takes.
    """

    accelerator: "Accelerator"

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.modules: dict[str, nn.Module] = {}
        self.averages: dict[str, AveragedModel] = {}
        self.optimizers: dict[str, Optimizer] = {}
        self.memories: dict[str, nn.Module] = {}
        self.statistics_batches = 0

    def take(self, network: nn.Module, optimizer: Optimizer, preset: TrainingPreset) -> None:
        """Makes `network` the one that is trained, with an average where the preset keeps one."""
        self.modules["network"] = network
        self.optimizers["network"] = optimizer
        if preset.ema_decay is not None:
            self.averages["network"] = exponential_average(network, preset.ema_decay, preset.ema_warmup)
            self.statistics_batches = preset.statistics_batches

    @abstractmethod
    def step(self, batches: Sequence[Batch], progress: float) -> dict[str, float]:
        """One update from accumulated `batches`, at the share `progress` (0..1) of the run; the figures to log."""

    def prepare(self, accelerator: "Accelerator") -> None:
        """Moves everything to the accelerator's device and processes."""
        self.accelerator = accelerator
        for average in self.averages.values():
            average.to(accelerator.device)
        self.modules = {name: accelerator.prepare_model(module) for name, module in self.modules.items()}
        self.optimizers = {name: accelerator.prepare_optimizer(optim) for name, optim in self.optimizers.items()}

    def update_averages(self) -> None:
        """Takes every average a step towards its module."""
        for name, average in self.averages.items():
            average.update_parameters(self.accelerator.unwrap_model(self.modules[name]))

    def refresh(self, batches: Iterable[Batch]) -> None:
        """Measures the statistics of averaged networks on `batches`; an objective with `statistics_batches` has it."""
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
        tensors |= {name: memory.state_dict() for name, memory in self.memories.items()}
        checkpoints.save_step(folder, step, tensors, self.optimizers, state)

    def restore(self, folder: Path) -> None:
        """Loads a step folder."""
        for name, module in self.modules.items():
            self.accelerator.unwrap_model(module).load_state_dict(checkpoints.read_module(folder, name))
        for name, average in self.averages.items():
            average.load_state_dict(checkpoints.read_module(folder, f"{name}-average"))
        for name, memory in self.memories.items():
            memory.load_state_dict(checkpoints.read_module(folder, name))
        for name, optimizer in self.optimizers.items():
            checkpoints.restore_optimizer(folder, name, optimizer)


def adamw(network: nn.Module, preset: TrainingPreset) -> Optimizer:
    """AdamW with the rates of a preset."""
    return torch.optim.AdamW(
        network.parameters(), lr=preset.learning_rate, betas=preset.betas, weight_decay=preset.weight_decay
    )


def learning_rate_at(optimizer: Optimizer, rate: float, preset: TrainingPreset, progress: float) -> None:
    """Sets the rate for the share `progress` of the run: constant, then falling to zero from `decay_from` on.

    It falls as (1 - x)^decay_power: linearly with power 1; with 0.9 as the `poly` schedule of segmentation does.
    """
    factor = 1.0
    if preset.decay_from is not None and progress > preset.decay_from:
        factor = ((1 - progress) / (1 - preset.decay_from)) ** preset.decay_power
    for group in optimizer.param_groups:
        group["lr"] = rate * factor
