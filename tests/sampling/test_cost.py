"""What sampling costs is recorded beside the samples, and is no part of them."""

from pathlib import Path

import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import write_json
from sdm_bench.models import methods
from sdm_bench.sampling.cost import COST_FILE, Cost, Stopwatch, Timing, evaluation_flop, read_cost
from tests.conftest import tiny_options


@pytest.mark.parametrize("method", ["sdm", "spade"])
def test_the_operations_of_a_network_are_counted(method: str, toy_cityscapes: Path) -> None:
    options = tiny_options(method, toy_cityscapes)
    network = methods.build_network(method, methods.network_config(method, options.network)).eval()
    small, large = (evaluation_flop(network, size) for size in ((32, 64), (64, 64)))
    assert 0 < small < large
    assert large == pytest.approx(2 * small, rel=0.2)


def test_a_convolution_is_counted_as_it_is_defined() -> None:
    """Two operations a product: 2 * 3 * 3 * in * out * pixels."""

    class One(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.config = type("Config", (), {"num_classes": 2, "edges": False})
            self.layer = torch.nn.Conv2d(3, 5, 3, padding=1)

        def forward(self, x: torch.Tensor, timesteps: torch.Tensor, semantics: torch.Tensor) -> torch.Tensor:
            assert semantics.shape == (1, 2, 8, 4)
            return self.layer(x)

    assert evaluation_flop(One(), (8, 4)) == 2 * 9 * 3 * 5 * 8 * 4  # type: ignore[arg-type]


def test_times_of_one_device_add_up_and_those_of_other_batches_stand_apart(tmp_path: Path) -> None:
    for batch_size, pictures in ((4, 8), (4, 4), (2, 2)):
        watch = Stopwatch()
        with watch.of(pictures):
            pass
        watch.seconds = float(pictures)
        watch.record(tmp_path, "cpu", batch_size)
    assert read_cost(tmp_path).timings == (
        Timing(device="cpu", batch_size=4, pictures=12, seconds=12.0),
        Timing(device="cpu", batch_size=2, pictures=2, seconds=2.0),
    )
    assert read_cost(tmp_path).seconds == {"cpu, batch 4": 1.0, "cpu, batch 2": 1.0}
    Stopwatch().record(tmp_path / "nothing", "cpu", 4)
    assert not (tmp_path / "nothing").exists()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    assert read_cost(tmp_path) == Cost()
    write_json(tmp_path / COST_FILE, {"parameters": "many"})
    with pytest.raises(UserError, match=rf"{COST_FILE}: parameters"):
        read_cost(tmp_path)
