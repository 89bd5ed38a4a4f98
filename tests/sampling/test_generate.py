"""With one batch size a sample depends on weights, example, seed and solver alone, to the bit.

Another batch size moves it by rounding, on some processors.
"""

import io
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_json, write_json
from sdm_bench.base.finite import NotFinite
from sdm_bench.base.processes import alone_in
from sdm_bench.checkpoints import shipped
from sdm_bench.checkpoints.generators import WeightsSpec
from sdm_bench.conditioning import Condition
from sdm_bench.datasets.known_datasets import DatasetSplit, open_dataset
from sdm_bench.datasets.transforms import Resized, Transform
from sdm_bench.models import methods
from sdm_bench.sampling import folders
from sdm_bench.sampling.folders import SampleFolder, SampleOptions
from sdm_bench.sampling.generate import generate_samples, write_samples
from sdm_bench.sampling.synthesizers import SamplingOptions, Synthesizer, make_synthesizer
from sdm_bench.toy import write_toy
from sdm_bench.training.recipes import make_objective
from tests.checkpoints.stand_ins import stand_in
from tests.conftest import tiny_options

SAMPLING = SamplingOptions("ddim", 3, 1.5)


@pytest.fixture(scope="module")
def examples(toy_cityscapes: Path) -> Resized:
    """The five validation scenes at 32x16."""
    dataset = open_dataset("cityscapes", toy_cityscapes, "val")
    return Resized(dataset, Transform("sdm", (16, 32), keeps_aspect=True, training=False))


@pytest.fixture(scope="module")
def synthesizer(toy_cityscapes: Path) -> Synthesizer:
    """A tiny SDM with random weights in every layer."""
    options = tiny_options("sdm", toy_cityscapes)
    network = make_objective(options).modules["network"]
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator)
    config = methods.network_config("sdm", options.network)
    return make_synthesizer("sdm", network, config, options.diffusion, SAMPLING, "cpu")


def sample_options(**changes: object) -> SampleOptions:
    fields = {
        "method": "sdm", "dataset": "cityscapes", "data": "d", "split": "val", "labels_sha256": "l",
        "image_size": (16, 32), "recipe": "sdm", "stochastic": True, "weights": "w", "weights_sha256": "0",
        "solver": "ddim", "solver_steps": 3, "guidance": 1.5, "batch_size": 2,
    }  # fmt: skip
    return SampleOptions(**(fields | changes))


def pictures(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted((folder / "samples").rglob("*.png"))}


@pytest.fixture(scope="module")
def reference(
    synthesizer: Synthesizer, examples: Resized, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """All samples of two seeds in one go, two at a time."""
    folder = tmp_path_factory.mktemp("reference")
    assert write_samples(synthesizer, examples, sample_options(), folder, [0, 1], "") == 10
    return pictures(folder)


@pytest.mark.parametrize("batch_size", [1, 3, 7])
def test_another_batch_size_changes_samples_by_rounding_alone(
    batch_size: int, synthesizer: Synthesizer, examples: Resized, reference: dict[str, bytes], tmp_path: Path
) -> None:
    write_samples(synthesizer, examples, sample_options(batch_size=batch_size), tmp_path, [0, 1], "")
    found = pictures(tmp_path)
    assert found.keys() == reference.keys()
    for name, data in found.items():
        levels = [np.asarray(Image.open(io.BytesIO(each))).astype(int) for each in (data, reference[name])]
        assert np.abs(levels[0] - levels[1]).max() <= 1


def test_shards_in_any_order_add_up_to_the_whole(
    synthesizer: Synthesizer, examples: Resized, reference: dict[str, bytes], tmp_path: Path
) -> None:
    """Six batches: two pairs and a single example for each seed."""
    written = [
        write_samples(synthesizer, examples, sample_options(), tmp_path, [0, 1], "", shard)
        for shard in [(1, 4), (0, 4), (3, 4)]
    ]
    assert written == [3, 4, 2]
    assert len(pictures(tmp_path)) == sum(written)
    write_samples(synthesizer, examples, sample_options(), tmp_path, [0, 1], "", (2, 4))
    assert pictures(tmp_path) == reference


def test_a_killed_run_goes_on_where_it_was(
    synthesizer: Synthesizer, examples: Resized, reference: dict[str, bytes], tmp_path: Path
) -> None:
    class Killed:
        calls = 0

        def synthesize(self, condition: Condition, generators: list[torch.Generator]) -> torch.Tensor:
            self.calls += 1
            if self.calls == 3:
                raise KeyboardInterrupt
            return synthesizer.synthesize(condition, generators)

    with pytest.raises(KeyboardInterrupt):
        write_samples(Killed(), examples, sample_options(), tmp_path, [0, 1], "")
    assert len(pictures(tmp_path)) == 4
    (tmp_path / "samples" / "seed-000").joinpath(".left-behind.png.x.part").write_bytes(b"half")
    SampleFolder(tmp_path).sample(examples[1].id, 0).unlink()
    assert write_samples(synthesizer, examples, sample_options(), tmp_path, [0, 1], "") == 7
    assert pictures(tmp_path) == reference


class Placed:
    """Paints each sample with its place in the batch: what a processor may round by."""

    def synthesize(self, condition: Condition, generators: list[torch.Generator]) -> torch.Tensor:
        places = torch.linspace(-1, 1, len(condition))
        return places[:, None, None, None].expand(-1, 3, *condition.size)


def test_a_sample_has_one_place_in_its_batch_whatever_is_there_already(examples: Resized, tmp_path: Path) -> None:
    """Drawn in one go, in shards, and after any of them was lost."""
    options = sample_options(batch_size=4)
    write_samples(Placed(), examples, options, tmp_path / "whole", [0, 1], "")
    whole = pictures(tmp_path / "whole")
    assert len(set(whole.values())) == 4
    for k in (2, 0, 1):
        write_samples(Placed(), examples, options, tmp_path / "shards", [0, 1], "", (k, 3))
    assert pictures(tmp_path / "shards") == whole
    for name in list(whole)[1::3]:
        (tmp_path / "whole" / name).unlink()
    write_samples(Placed(), examples, options, tmp_path / "whole", [1, 0], "")
    assert pictures(tmp_path / "whole") == whole


def test_a_folder_has_one_batch_size(synthesizer: Synthesizer, examples: Resized, tmp_path: Path) -> None:
    write_samples(synthesizer, examples, sample_options(), tmp_path, [0], "")
    with pytest.raises(UserError, match="batch_size: 2 there, 4 asked for"):
        write_samples(synthesizer, examples, sample_options(batch_size=4), tmp_path, [1], "")


def test_another_seed_gives_another_picture(reference: dict[str, bytes]) -> None:
    assert len(set(reference.values())) == len(reference) == 10


def test_further_seeds_join_and_other_settings_are_refused(
    synthesizer: Synthesizer, examples: Resized, tmp_path: Path
) -> None:
    write_samples(synthesizer, examples, sample_options(), tmp_path, [3], "first")
    write_samples(synthesizer, examples, sample_options(data="moved", weights="moved"), tmp_path, [0], "second")
    assert SampleFolder(tmp_path).seeds() == [0, 3]
    with pytest.raises(UserError) as caught:
        write_samples(synthesizer, examples, sample_options(guidance=2.0, weights_sha256="1"), tmp_path, [0], "")
    assert "guidance: 1.5 there, 2.0 asked for" in caught.value.message
    assert "weights_sha256: '0' there, '1' asked for" in caught.value.message
    assert read_json(tmp_path / "run.json")["command"] == "second"


def test_samples_that_nothing_is_known_of_are_not_taken(
    synthesizer: Synthesizer, examples: Resized, tmp_path: Path
) -> None:
    write_samples(synthesizer, examples, sample_options(), tmp_path, [0], "")
    (tmp_path / "run.json").rename(tmp_path / "edit.json")
    with pytest.raises(UserError, match=r"samples/seed-000/.*: there, but no run.json says how it was made"):
        write_samples(synthesizer, examples, sample_options(), tmp_path, [1], "")
    assert not SampleFolder(tmp_path).seed_folder(1).exists()


def test_a_deterministic_method_is_sampled_once(
    synthesizer: Synthesizer, examples: Resized, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = sample_options(stochastic=False)
    assert write_samples(synthesizer, examples, options, tmp_path, [0, 1, 2], "") == 5
    assert SampleFolder(tmp_path).seeds() == [0]
    assert "makes one picture a label map" in capsys.readouterr().err


def test_a_picture_of_nan_is_named_and_not_written(synthesizer: Synthesizer, examples: Resized, tmp_path: Path) -> None:
    class Broken:
        def synthesize(self, condition: Condition, generators: list[torch.Generator]) -> torch.Tensor:
            pictures = synthesizer.synthesize(condition, generators).clone()
            pictures[1, 0, 0, 0] = torch.nan
            return pictures

    wrong = examples.dataset.records[1].id
    with pytest.raises(NotFinite, match=f"NaN or Inf in the pictures of {wrong}, seed 4; nothing was written of them"):
        write_samples(Broken(), examples, sample_options(), tmp_path, [4], "")
    assert pictures(tmp_path) == {}


def test_a_share_is_sampled_by_one_command_at_a_time(
    synthesizer: Synthesizer, examples: Resized, tmp_path: Path
) -> None:
    with alone_in(tmp_path, "generate-0-of-2", ""):
        with pytest.raises(UserError, match=r"another command is at work here \(generate 0 of 2.*--shard"):
            write_samples(synthesizer, examples, sample_options(), tmp_path, [0], "", (0, 2))
        assert write_samples(synthesizer, examples, sample_options(), tmp_path, [0], "", (1, 2)) == 2


def test_an_emptied_or_cut_sample_is_made_again(synthesizer: Synthesizer, examples: Resized, tmp_path: Path) -> None:
    write_samples(synthesizer, examples, sample_options(), tmp_path, [0], "")
    whole = pictures(tmp_path)
    first, second = (tmp_path / name for name in list(whole)[:2])
    first.write_bytes(b"")
    second.write_bytes(second.read_bytes()[:-4])
    assert write_samples(synthesizer, examples, sample_options(), tmp_path, [0], "") == 2
    assert pictures(tmp_path) == whole


def test_a_deterministic_method_has_one_seed_however_often_it_is_sampled(
    synthesizer: Synthesizer, examples: Resized, tmp_path: Path
) -> None:
    options = sample_options(stochastic=False)
    write_samples(synthesizer, examples, options, tmp_path, [0], "first")
    before = pictures(tmp_path)
    for seeds in ([1], [2, 0]):
        with pytest.raises(UserError, match=rf"--seeds {seeds[0]}: sdm makes one picture .*; .* has seed 0$"):
            write_samples(synthesizer, examples, options, tmp_path, seeds, "second")
    assert pictures(tmp_path) == before
    assert read_json(tmp_path / "run.json")["command"] == "first"
    assert write_samples(synthesizer, examples, options, tmp_path, [0, 1], "third") == 0


def test_run_json_is_compared_and_written_under_the_folders_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second call that begins while a first is writing waits, and then finds other options there."""
    folder, writing, answers = SampleFolder(tmp_path), threading.Event(), []

    def slowly(path: Path, about: object) -> None:
        writing.set()
        time.sleep(0.5)
        write_json(path, about)

    def second() -> None:
        try:
            folder.start(sample_options(guidance=2.0), [1], "second")
        except UserError as error:
            answers.append(error.message)

    monkeypatch.setattr(folders, "write_json", slowly)
    first = threading.Thread(target=folder.start, args=(sample_options(), [0], "first"))
    other = threading.Thread(target=second)
    first.start()
    assert writing.wait(10)
    other.start()
    first.join()
    other.join()
    assert "guidance: 1.5 there, 2.0 asked for" in answers[0]
    assert read_json(tmp_path / "run.json")["command"] == "first"


def test_what_ships_is_taken_for_the_dataset_at_hand(
    toy_cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for dataset in ("ade20k", "cityscapes"):
        stand_in(tmp_path / "shipped", dataset, "spade")
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "shipped")
    write_toy("ade20k", tmp_path / "scenes", {"val": 1}, (32, 32))

    def made(name: str, where: DatasetSplit) -> str:
        weights = WeightsSpec(method="spade", checkpoint="toy")
        generate_samples(weights, where, tmp_path / name, [0], SamplingOptions(), "", device="cpu")
        return SampleFolder(tmp_path / name).options().weights

    said = made("said", DatasetSplit("ade20k", tmp_path / "scenes"))
    assert said.endswith("ade20k/spade.safetensors")
    # the scenes say it too
    assert made("scenes", DatasetSplit(None, tmp_path / "scenes")) == said
    assert made("streets", DatasetSplit(None, toy_cityscapes)).endswith("cityscapes/spade.safetensors")
    with pytest.raises(UserError, match="no toy checkpoint of 'spade' for coco_stuff ships"):
        made("none", DatasetSplit("coco_stuff", tmp_path / "scenes"))
