"""The step folders of a training run."""

from pathlib import Path

import torch
from torch import nn

from sdm_bench.base.files import read_json
from sdm_bench.checkpoints.runs import restore_optimizer, save_step, step_folders


def trained_adam(steps: int) -> tuple[nn.Linear, torch.optim.AdamW]:
    torch.manual_seed(0)
    module = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.1)
    for step in range(steps):
        module(torch.full((1, 3), float(step))).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    return module, optimizer


def test_a_restored_optimizer_goes_on_to_the_bit(tmp_path: Path) -> None:
    module, optimizer = trained_adam(3)
    save_step(tmp_path, 3, {"network": module.state_dict()}, {"network": optimizer}, {"seconds": 1.5})
    other, fresh = trained_adam(0)
    other.load_state_dict(module.state_dict())
    restore_optimizer(tmp_path / "step-00000003", "network", fresh)
    for each, each_optimizer in ((module, optimizer), (other, fresh)):
        each(torch.ones(1, 3)).square().sum().backward()
        each_optimizer.step()
    assert torch.equal(module.weight, other.weight)
    assert read_json(tmp_path / "step-00000003" / "state.json")["seconds"] == 1.5


def test_the_last_two_steps_are_kept_and_broken_ones_do_not_count(tmp_path: Path) -> None:
    module, optimizer = trained_adam(1)
    for step in (1, 2, 10):
        save_step(tmp_path, step, {"network": module.state_dict()}, {"network": optimizer}, {})
    (tmp_path / "step-00000011").mkdir()
    (tmp_path / ".step-00000012.part").mkdir()
    assert [folder.name for folder in step_folders(tmp_path)] == ["step-00000002", "step-00000010"]
