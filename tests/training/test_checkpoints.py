"""Weights files and step folders."""

from pathlib import Path

import pytest
import torch
from torch import nn

from sdm_bench.errors import UserError
from sdm_bench.files import read_json, sha256_file
from sdm_bench.training.checkpoints import (
    WeightsAbout,
    read_weights,
    restore_optimizer,
    save_step,
    step_folders,
    write_weights,
)

ABOUT = WeightsAbout(method="sdm", dataset="cityscapes", network={"a": 1}, image_size=(32, 64))


def test_weights_and_their_description_round_trip(tmp_path: Path) -> None:
    tensors = {"w": torch.tensor([1.0, 2.5]), "count": torch.tensor(3)}
    write_weights(tmp_path / "w.safetensors", tensors, ABOUT, half=True)
    read, about = read_weights(tmp_path / "w.safetensors")
    assert read["w"].dtype == torch.float32
    assert read["w"].tolist() == [1.0, 2.5]
    assert read["count"].dtype == torch.int64
    assert about is not None
    assert about.sha256 == sha256_file(tmp_path / "w.safetensors")
    assert about.network == {"a": 1}


def test_half_precision_halves_the_file(tmp_path: Path) -> None:
    tensors = {"w": torch.zeros(10_000)}
    for half in (True, False):
        write_weights(tmp_path / f"{half}.safetensors", tensors, ABOUT, half)
    sizes = [(tmp_path / f"{half}.safetensors").stat().st_size for half in (True, False)]
    assert sizes[1] - sizes[0] == 20_000


def test_a_bare_state_dict_has_no_description(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(1)}, tmp_path / "w.pt")
    assert read_weights(tmp_path / "w.pt") == ({"w": torch.ones(1)}, None)
    with pytest.raises(UserError, match=r"none\.pt: no such weights file"):
        read_weights(tmp_path / "none.pt")


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
