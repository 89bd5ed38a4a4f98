"""Segmenters load from wherever they lie, and are named by what was loaded."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.base.tensors import tensors_sha256
from sdm_bench.checkpoints import segmenters
from sdm_bench.checkpoints.segmenters import load_segmenter
from sdm_bench.checkpoints.stored import export_weights
from sdm_bench.checkpoints.weights_file import WeightsAbout, write_weights
from sdm_bench.datasets.base import ClassTable
from sdm_bench.training.loop import LoopOptions
from sdm_bench.training.segmenters import resolve, run_segmenter_training
from sdm_bench.weights.imports import import_file
from sdm_bench.weights.registry import entry
from sdm_bench.weights.store import CACHE_VARIABLE, ChangedWeights, save
from segmenters import drn
from segmenters.configured import load_configured
from segmenters.prediction import Segmenter
from segmenters.preprocessing import PREPROCESSING
from segmenters.unet import face_parsing_unet
from segmenters.unet_lite import OUTPUT_OF_CLASS, lite_unet
from segmenters.upernet import to_released
from tests.parity.cases import SHARED
from tests.segmenters.test_configured import written
from tests.segmenters.toys import predict, toy

CPU = torch.device("cpu")
FACES, STREETS = ClassTable.shipped("celebamask_hq"), ClassTable.shipped("cityscapes")
LITE = SHARED / "weights" / "face_parsing_unet" / "model_best.pth"
ABOUT = WeightsAbout(
    method="unet", dataset="celebamask_hq", network={"num_classes": 19, "feature_scale": 16}, image_size=(16, 16)
)


def pictures(count: int = 1, size: tuple[int, int] = (16, 16)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *size, 3), dtype=np.uint8)


def test_weights_in_two_files_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    network = toy("upernet101", "ade20k", 150).eval()
    classes = ClassTable.shipped("ade20k")
    with pytest.raises(UserError, match=r"(?s)ade20k-upernet101-encoder: .*ade20k-upernet101-decoder: "):
        load_segmenter("ade20k-upernet101", "ade20k", classes, CPU)
    released = to_released(network.state_dict())
    for part in ("encoder", "decoder"):
        tensors = {k.removeprefix(f"{part}."): v for k, v in released.items() if k.startswith(f"{part}.")}
        save(entry(f"ade20k-upernet101-{part}"), tensors, "made by the tests", "0")
    monkeypatch.setattr(segmenters, "build_segmenter", lambda name, num_classes: toy(name, "ade20k", num_classes))
    loaded = load_segmenter("ade20k-upernet101", "ade20k", classes, CPU)
    assert all(torch.equal(value, loaded.network.state_dict()[key]) for key, value in network.state_dict().items())
    assert loaded.preprocessing is PREPROCESSING["csail"]
    assert loaded.sha256 == tensors_sha256(network.state_dict())


def test_a_weights_file_loads_with_the_classes_it_was_trained_on(tmp_path: Path) -> None:
    about = WeightsAbout(
        method="unet", dataset="celebamask_hq", network={"num_classes": 19, "feature_scale": 16}, image_size=(16, 16)
    )
    network = face_parsing_unet(19, 16).eval()
    write_weights(tmp_path / "unet.safetensors", network.state_dict(), about)
    loaded = load_segmenter(str(tmp_path / "unet.safetensors"), "celebamask_hq", FACES, CPU)
    pictures = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3), dtype=np.uint8)
    assert np.array_equal(predict(loaded, pictures), predict(Segmenter("same", network, (16, 16), "", CPU), pictures))
    with pytest.raises(UserError, match="trained on celebamask_hq; expected one for ade20k"):
        load_segmenter(str(tmp_path / "unet.safetensors"), "ade20k", ClassTable.shipped("ade20k"), CPU)


def test_what_is_no_segmenter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        UserError,
        match=r"--segmenter nothing: neither a run, nor a weights file, nor one of celebamask-hq-unet",
    ):
        load_segmenter("nothing", "celebamask_hq", FACES, CPU)
    torch.save({"w": torch.ones(1)}, tmp_path / "bare.pt")
    with pytest.raises(UserError, match=r"bare\.pt: expected bare\.json beside it, which says what it holds"):
        load_segmenter(str(tmp_path / "bare.pt"), "celebamask_hq", FACES, CPU)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    with pytest.raises(UserError, match="celebamask-hq-unet: mean IoU on CelebAMask-HQ"):
        load_segmenter("celebamask-hq-unet", "celebamask_hq", FACES, CPU)


@pytest.mark.skipif(not LITE.is_file(), reason=f"no real segmenter at {LITE}")
def test_the_real_lite_segmenter_parses_real_faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sdm_bench.datasets.known_datasets import open_dataset
    from sdm_bench.datasets.transforms import Resized, Transform
    from sdm_bench.metrics.miou import confusion_matrix, pixel_accuracy

    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    import_file("face-parsing-unet-lite", LITE)
    segmenter = load_segmenter("face-parsing-unet-lite", "celebamask_hq", FACES, CPU)
    dataset = open_dataset("celebamask_hq", SHARED / "data" / "celebamask_hq", "val")
    faces = Resized(dataset, Transform("sdm", (256, 256), keeps_aspect=False, training=False))
    examples = [faces[index] for index in range(4)]
    predicted = predict(segmenter, np.stack([example.image for example in examples]))
    total = np.sum([confusion_matrix(e.label, p, 19) for e, p in zip(examples, predicted, strict=True)], axis=0)
    assert pixel_accuracy(total) > 0.8


def test_the_shipped_toy_parses_streets() -> None:
    loaded = load_segmenter("toy", "cityscapes", STREETS, CPU)
    assert (loaded.name, loaded.image_size, loaded.preprocessing) == ("unet (toy)", (32, 64), None)
    assert not loaded.network.training
    assert predict(loaded, pictures(2, (32, 64))).max() < 19
    with pytest.raises(UserError, match="no toy checkpoint of 'unet' for camvid ships"):
        load_segmenter("toy", "camvid", FACES, CPU)


def test_a_run_is_the_segmenter_that_is_packed_of_it(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = resolve("unet", "cityscapes", toy_cityscapes, "toy", overrides={"batch_size": 1})
    options = options.model_copy(update={"network": {"num_classes": 19, "feature_scale": 16}})
    run = tmp_path / "run"
    run_segmenter_training(options, LoopOptions(steps=1, device="cpu"), run)
    packed = export_weights(run, tmp_path / "packed.safetensors", bits=32, raw=False)
    with pytest.raises(UserError, match=r"packed\.safetensors: there already"):
        export_weights(run, packed, bits=16, raw=False)
    first, second = (load_segmenter(str(each), "cityscapes", STREETS, CPU) for each in (run, packed))
    assert first.name == f"unet ({run})"
    assert first.image_size == second.image_size == (32, 64)
    assert first.sha256 == second.sha256


def test_the_digest_is_of_what_decides_predictions(tmp_path: Path) -> None:
    """The tensors that were loaded, the network's options and the size it was trained at; not the file's form."""
    network = face_parsing_unet(19, 16)
    state = network.state_dict()
    changed = state | {"backbone.conv1.conv1.0.bias": state["backbone.conv1.conv1.0.bias"] + 1e-3}
    without = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    found = {}
    for name, tensors in {"same": state, "again": dict(reversed(state.items())), "without": without}.items():
        write_weights(tmp_path / f"{name}.safetensors", tensors, ABOUT.model_copy(update={"command": name}))
        found[name] = load_segmenter(str(tmp_path / f"{name}.safetensors"), "celebamask_hq", FACES, CPU).sha256
    assert len(set(found.values())) == 1
    write_weights(tmp_path / "changed.safetensors", changed, ABOUT)
    write_weights(tmp_path / "larger.safetensors", state, ABOUT.model_copy(update={"image_size": (32, 32)}))
    for name in ("changed", "larger"):
        found[name] = load_segmenter(str(tmp_path / f"{name}.safetensors"), "celebamask_hq", FACES, CPU).sha256
    assert len(set(found.values())) == 3


def test_weights_file_of_no_segmenter_is_refused(tmp_path: Path) -> None:
    network = face_parsing_unet(19, 16)
    file = tmp_path / "unet.safetensors"
    write_weights(file, network.state_dict(), ABOUT.model_copy(update={"method": "spade"}))
    with pytest.raises(UserError, match=r"holds a spade; expected one of unet, unet-lite, drn-d-105"):
        load_segmenter(str(file), "celebamask_hq", FACES, CPU)
    write_weights(file, network.state_dict(), ABOUT.model_copy(update={"network": {"num_classes": 19}}))
    with pytest.raises(UserError, match=r"unet\.safetensors: these are not the weights of EncoderDecoder"):
        load_segmenter(str(file), "celebamask_hq", FACES, CPU)


def test_published_weights_that_changed_in_the_cache_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    network = lite_unet(len(OUTPUT_OF_CLASS))
    released = {
        name.removeprefix("backbone.").replace("decode_head.conv_seg", "out"): value
        for name, value in network.state_dict().items()
    }
    save(entry("face-parsing-unet-lite"), released, "made by the tests", "0")
    with pytest.raises(ChangedWeights, match=f"the weights face-parsing-unet-lite .* {tensors_sha256(released)}"):
        load_segmenter("face-parsing-unet-lite", "celebamask_hq", FACES, CPU)


def test_a_configured_network_is_its_configuration_and_its_weights(tmp_path: Path) -> None:
    source = written(tmp_path)
    loaded = load_segmenter(source, "celebamask_hq", FACES, CPU)
    assert np.array_equal(predict(loaded, pictures()), predict(load_configured(source, FACES, CPU), pictures()))
    assert (loaded.name, loaded.image_size, loaded.preprocessing) == (source, None, None)
    (tmp_path / "elsewhere").mkdir()
    files = [Path(part) for part in source.removeprefix("mmseg:").split(",")]
    moved = [file.rename(tmp_path / "elsewhere" / f"other{file.suffix}") for file in files]
    moved_source = f"mmseg:{moved[0]},{moved[1]}"
    digests = [loaded.sha256, load_segmenter(moved_source, "celebamask_hq", FACES, CPU).sha256]
    moved[0].write_text(moved[0].read_text().replace("(64, 32)", "(32, 16)"), encoding="utf-8")
    digests.append(load_segmenter(moved_source, "celebamask_hq", FACES, CPU).sha256)
    state = torch.load(moved[1], weights_only=True)
    state["state_dict"]["decode_head.conv_seg.bias"] += 1
    torch.save(state, moved[1])
    digests.append(load_segmenter(moved_source, "celebamask_hq", FACES, CPU).sha256)
    assert digests[0] == digests[1]
    assert len(set(digests[1:])) == 3


@pytest.mark.parametrize("name", ["drn-c-26", "drn-d-22"])
def test_a_file_of_an_architecture_s_own_program_is_fed_as_its_authors_do(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segmenters, "build_segmenter", lambda name, num_classes: toy(name, "cityscapes", num_classes))
    network, file = toy(name, "cityscapes", 19), tmp_path / "model_best.pth.tar"
    released = {f"module.{key}": value for key, value in drn.to_released(network.state_dict()).items()}
    torch.save({"state_dict": released, "epoch": 3}, file)
    found = load_segmenter(f"{name}:{file}", "cityscapes", STREETS, CPU)
    assert found.sha256 == tensors_sha256(network.state_dict())
    assert found.preprocessing is PREPROCESSING["drn"]
    assert predict(found, pictures(size=(16, 24))).shape == (1, 16, 24)
    with pytest.raises(UserError, match=r"model_best\.pth\.tar: these are not the weights of PictureSegmenter"):
        load_segmenter(f"drn-c-58:{file}", "cityscapes", STREETS, CPU)


def test_a_file_alone_is_to_be_said_what_it_is(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "alone.pth")
    with pytest.raises(UserError, match=r"expected alone\.json beside it.* say ARCHITECTURE:"):
        load_segmenter(str(tmp_path / "alone.pth"), "cityscapes", STREETS, CPU)
    with pytest.raises(UserError, match="the authors of unet-lite don't say how it is fed"):
        load_segmenter(f"unet-lite:{tmp_path / 'alone.pth'}", "celebamask_hq", FACES, CPU)
    with pytest.raises(UserError, match=r"none\.pth: no such weights file"):
        load_segmenter(f"drn-d-22:{tmp_path / 'none.pth'}", "cityscapes", STREETS, CPU)
