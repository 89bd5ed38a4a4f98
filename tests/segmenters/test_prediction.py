"""Segmenters load from wherever they lie and predict evaluated classes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sdm_bench.datasets.base import ClassTable
from sdm_bench.errors import UserError
from sdm_bench.training.checkpoints import WeightsAbout, write_weights
from sdm_bench.weights.imports import import_file
from sdm_bench.weights.registry import entry
from sdm_bench.weights.store import CACHE_VARIABLE, save
from segmenters import prediction
from segmenters.prediction import Segmenter, load_segmenter, resized
from segmenters.preprocessing import PREPROCESSING, Fixed, Preprocessing
from segmenters.unet import face_parsing_unet
from segmenters.upernet import to_released
from tests.parity.cases import SHARED
from tests.segmenters.toys import toy

CPU = torch.device("cpu")
FACES = ClassTable.shipped("celebamask_hq")
LITE = SHARED / "weights" / "face_parsing_unet" / "model_best.pth"


class Brightest(torch.nn.Module):
    """Scores that are the picture's channels: the class is the brightest channel."""

    def encode_decode(self, x: torch.Tensor, about: list[dict]) -> torch.Tensor:
        self.size = tuple(x.shape[2:])
        return resized(x, about[0]["img_shape"])


def predict(segmenter: Segmenter, pictures: np.ndarray, **how: Any) -> np.ndarray:
    """uint8 (N, H, W) at the pictures' own size."""
    each = zip(*(segmenter.prepare(picture, **how) for picture in pictures), strict=True)
    height, width = pictures.shape[1:3]
    return np.stack(segmenter.predict([torch.stack(x) for x in each], [(height, width)] * len(pictures)))


def test_pictures_are_resized_to_the_training_size_and_scores_back() -> None:
    network = Brightest()
    segmenter = Segmenter("test", network, (8, 16), "0", CPU)
    pictures = np.zeros((2, 16, 32, 3), np.uint8)
    pictures[0, :, :16, 1] = 255
    pictures[1, :, :, 2] = 200
    predicted = predict(segmenter, pictures)
    assert network.size == (8, 16)
    assert predicted.dtype == np.uint8
    assert predicted.shape == (2, 16, 32)
    assert (predicted[0, :, :14] == 1).all()
    assert (predicted[0, :, 20:] == 0).all()
    assert (predicted[1] == 2).all()


def test_a_segmenter_of_record_is_fed_as_its_authors_did() -> None:
    network = Brightest()
    segmenter = Segmenter("test", network, (512, 512), "0", CPU, Preprocessing(sizes=Fixed((24, 24))))
    picture = np.zeros((1, 16, 32, 3), np.uint8)
    assert predict(segmenter, picture).shape == (1, 16, 32)
    assert network.size == (24, 24)


def test_a_protocol_says_otherwise() -> None:
    network = Brightest()
    segmenter = Segmenter("test", network, (512, 512), "0", CPU, Preprocessing(sizes=Fixed((24, 24))))
    picture = np.zeros((1, 16, 32, 3), np.uint8)
    predict(segmenter, picture, size=(40, 80))
    assert network.size == (40, 80)
    predict(segmenter, picture, size=(60, 80), kernel="bicubic-corners")
    assert network.size == (60, 80)
    passes = segmenter.prepare(picture[0], short_sides=(32, 64))
    assert [tuple(x.shape) for x in passes] == [(3, 32, 64), (3, 64, 128)]
    predict(Segmenter("one's own", network, (8, 16), "0", CPU), picture, size=(40, 80))
    assert network.size == (8, 16)


def test_every_picture_is_predicted_at_its_own_size() -> None:
    segmenter = Segmenter("test", Brightest(), (8, 16), "0", CPU)
    passes = [torch.zeros(2, 3, 8, 16)]
    assert [x.shape for x in segmenter.predict(passes, [(8, 16), (30, 20)])] == [(8, 16), (30, 20)]


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
    monkeypatch.setattr(prediction, "build_segmenter", lambda name, num_classes: toy(name, "ade20k", num_classes))
    loaded = load_segmenter("ade20k-upernet101", "ade20k", classes, CPU)
    assert all(torch.equal(value, loaded.network.state_dict()[key]) for key, value in network.state_dict().items())
    assert loaded.preprocessing is PREPROCESSING["csail"]
    assert len(loaded.sha256) == 64


def test_a_picture_of_the_right_size_is_left_alone() -> None:
    x = torch.rand(1, 3, 4, 6)
    assert resized(x, (4, 6)) is x


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
    with pytest.raises(UserError, match="neither a run, nor a weights file, nor one of celebamask-hq-unet"):
        load_segmenter("nothing", "celebamask_hq", FACES, CPU)
    torch.save({"w": torch.ones(1)}, tmp_path / "bare.pt")
    with pytest.raises(UserError, match=r"expected bare\.json beside it"):
        load_segmenter(str(tmp_path / "bare.pt"), "celebamask_hq", FACES, CPU)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    with pytest.raises(UserError, match="celebamask-hq-unet: mean IoU on CelebAMask-HQ"):
        load_segmenter("celebamask-hq-unet", "celebamask_hq", FACES, CPU)


@pytest.mark.skipif(not LITE.is_file(), reason=f"no real segmenter at {LITE}")
def test_the_real_lite_segmenter_parses_real_faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sdm_bench.datasets.catalog import open_dataset
    from sdm_bench.datasets.transforms import Resized, Transform
    from sdm_bench.metrics.miou import confusion_matrix, pixel_accuracy

    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    import_file("face-parsing-unet-lite", LITE)
    segmenter = load_segmenter("face-parsing-unet-lite", "celebamask_hq", FACES, CPU)
    dataset = open_dataset("celebamask_hq", SHARED / "data" / "celebamask_hq", "val")
    faces = Resized(dataset, Transform("sdm", (256, 256), keeps_aspect=False, training=False))
    examples = [faces[index] for index in range(4)]
    predicted = predict(segmenter, np.stack([example.image for example in examples]))
    total = sum(confusion_matrix(e.label, p, 19) for e, p in zip(examples, predicted, strict=True))
    assert pixel_accuracy(total) > 0.8
