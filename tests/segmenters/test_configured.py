"""Networks of MMSegmentation's own configurations predict what its `inference_model` predicts."""

import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import mmseg
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.base import ClassTable
from sdm_bench.datasets.encodings import COCO_STUFF_NEVER
from segmenters.configured import ConfiguredSegmenter, build, load_configured
from segmenters.mmsegmentation import Config, DefaultScope, revert_sync_batchnorm

CPU = torch.device("cpu")
FACES = ClassTable.shipped("celebamask_hq")
STREETS = ClassTable.shipped("cityscapes")
SHIPPED = Path(mmseg.__file__).parent / ".mim/configs"
CONFIG = """
crop_size = (16, 16)
data_preprocessor = dict(
    type="SegDataPreProcessor", mean=[100.0, 110.0, 120.0], std=[50.0, 51.0, 52.0], bgr_to_rgb=True, pad_val=0,
    seg_pad_val=255, size=crop_size)
model = dict(
    type="EncoderDecoder", data_preprocessor=data_preprocessor,
    backbone=dict(type="ResNetV1c", depth=18, base_channels=4, num_stages=4, out_indices=(0, 1, 2, 3),
                  norm_cfg=dict(type="SyncBN", requires_grad=True), norm_eval=False, style="pytorch"),
    decode_head=dict(type="FCNHead", in_channels=32, in_index=3, channels=8, num_convs=1, num_classes={classes},
                     norm_cfg=dict(type="SyncBN", requires_grad=True), align_corners=False),
    train_cfg=dict(), test_cfg=dict(mode="whole"))
test_pipeline = [
    dict(type="LoadImageFromFile"), dict(type="Resize", scale=(64, 32), keep_ratio=True),
    dict(type="LoadAnnotations"), dict(type="PackSegInputs")]
"""
# A shipped configuration at a size for tests: (width, height) that pictures are resized within, and the window.
SMALLER = """
_base_ = ["{base}"]
model = dict(decode_head=dict({head}), test_cfg=dict({test}))
test_pipeline = [
    dict(type="LoadImageFromFile"), dict(type="Resize", scale=(90, 52), keep_ratio=True),
    dict(type="LoadAnnotations"), dict(type="PackSegInputs")]
"""
WINDOW = "crop_size=(40, 44), stride=(24, 28)"
# MaskFormer's and Mask2Former's can't be among them: they need MMDetection, and MMCV with its operators compiled.
# Configurations, their heads and how they are tested: whole or by windows, corners aligned or not, padded or not.
NETWORKS = {
    "fcn/fcn_r18-d8_4xb2-80k_cityscapes-512x1024": ("", "", ("whole", False, None)),
    "fcn/fcn_r18-d8_4xb2-80k_cityscapes-769x769": ("", WINDOW, ("slide", True, None)),
    "pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024": ("", "", ("whole", False, None)),
    "pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-769x769": ("", WINDOW, ("slide", True, None)),
    "segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024": ("", WINDOW, ("slide", False, None)),
    "segnext/segnext_mscan-t_1xb16-adamw-160k_ade20k-512x512": (
        "num_classes=19",
        "",
        ("whole", False, 32),
    ),
}


def saved(config: Path, checkpoint: Path) -> str:
    """The --segmenter of a configuration with seeded weights, of whose outputs none is larger than the others."""
    torch.manual_seed(0)
    network = build(Config.fromfile(config)).eval()
    state = network.state_dict()
    for name, value in state.items():
        if name.endswith(("running_mean", "bias")):
            value.normal_(std=0.5)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        blocks = torch.randn(1, 3, 9, 15).repeat_interleave(6, 2).repeat_interleave(6, 3)
        state["decode_head.conv_seg.bias"] -= network(blocks).mean((0, 2, 3))
    torch.save({"state_dict": state, "meta": {"dataset_meta": {"classes": ()}}}, checkpoint)
    return f"mmseg:{config},{checkpoint}"


def written(folder: Path, classes: int = 19) -> str:
    """The --segmenter of a small network with random weights."""
    config = folder / "config.py"
    config.write_text(CONFIG.replace("{classes}", str(classes)), encoding="utf-8")
    return saved(config, folder / "weights.pth")


def predicted(segmenter: ConfiguredSegmenter, picture: np.ndarray, size: tuple[int, int], **how: Any) -> np.ndarray:
    passes = segmenter.prepare(picture, **how)
    (found,) = segmenter.classes(segmenter.scores([each[None] for each in passes]), [size])
    return found


@pytest.fixture(scope="module")
def inference() -> Any:
    """MMSegmentation's `init_model` and `inference_model`, on the processor and without their warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        apis = import_module("mmseg.apis")

    def infer(config: Path, checkpoint: Path, picture: np.ndarray) -> tuple[np.ndarray, torch.Tensor]:
        with warnings.catch_warnings(), DefaultScope.overwrite_default_scope("mmseg"), torch.random.fork_rng():
            warnings.simplefilter("ignore")
            model = revert_sync_batchnorm(apis.init_model(str(config), str(checkpoint), device="cpu"))
            torch.manual_seed(0)  # for SegNeXt, whose head draws numbers
            found = apis.inference_model(model, np.ascontiguousarray(picture[..., ::-1]))
        return found.pred_sem_seg.data[0].numpy(), found.seg_logits.data

    return infer


@pytest.mark.parametrize("name", NETWORKS)
def test_predictions_are_those_of_inference_model(name: str, tmp_path: Path, inference: Any) -> None:
    """Of sizes that are no multiple of 32; and those at another size are of its scores, resized as its head does."""
    head, test, (mode, corners, divisor) = NETWORKS[name]
    config = tmp_path / "config.py"
    text = SMALLER.replace("{base}", str(SHIPPED / f"{name}.py")).replace("{head}", head).replace("{test}", test)
    config.write_text(text, encoding="utf-8")
    segmenter = load_configured(saved(config, tmp_path / "weights.pth"), STREETS, CPU)
    network = segmenter.network
    assert (network.test_cfg.mode, network.align_corners) == (mode, corners)
    assert (network.data_preprocessor.test_cfg or {}).get("size_divisor") == divisor
    picture = np.random.default_rng(0).integers(0, 256, (9, 14, 3), dtype=np.uint8).repeat(5, 0).repeat(6, 1)[:43, :81]
    expected, scores = inference(config, tmp_path / "weights.pth", picture)
    found = predicted(segmenter, picture, (43, 81))
    assert len(np.unique(expected)) > 2
    assert np.array_equal(found, expected)
    (prepared,) = segmenter.prepare(picture)
    assert prepared.shape[1] % 32
    assert prepared.shape[2] % 32
    (own,) = segmenter.scores([prepared[None]])
    assert own.shape[2:] == prepared.shape[1:]
    torch.testing.assert_close(
        F.interpolate(own, (43, 81), mode="bilinear", align_corners=corners)[0], scores, rtol=0, atol=0
    )
    labels = F.interpolate(own, (70, 50), mode="bilinear", align_corners=corners).argmax(1)[0].numpy()
    assert np.array_equal(predicted(segmenter, picture, (70, 50)), labels)


def test_a_batch_is_segmented_as_its_pictures_are(tmp_path: Path) -> None:
    segmenter = load_configured(written(tmp_path), FACES, CPU)
    pictures = np.random.default_rng(0).integers(0, 256, (3, 16, 24, 3), dtype=np.uint8)
    prepared = torch.stack([segmenter.prepare(picture)[0] for picture in pictures])
    assert tuple(prepared.shape) == (3, 3, 32, 48)
    together = segmenter.classes(segmenter.scores([prepared]), [(16, 24)] * 3)
    for picture, found in zip(pictures, together, strict=True):
        assert (predicted(segmenter, picture, (16, 24)) == found).mean() > 0.999


def test_sizes_that_a_protocol_states_take_the_place_of_the_pipelines(tmp_path: Path) -> None:
    segmenter = load_configured(written(tmp_path), FACES, CPU)
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    (whole,) = segmenter.prepare(picture, size=(20, 30))
    assert np.array_equal(whole, picture[..., ::-1].transpose(2, 0, 1))
    (aligned,) = segmenter.prepare(picture, size=(39, 59), kernel="bilinear-corners")
    np.testing.assert_allclose(aligned[:, ::2, ::2], whole, atol=1e-4)
    passes = segmenter.prepare(picture, short_sides=(32, 64))
    assert [tuple(each.shape) for each in passes] == [(3, 32, 64), (3, 64, 96)]
    found = predicted(segmenter, picture, (20, 30), short_sides=(32, 64))
    scores = segmenter.scores([each[None] for each in passes])
    shares = [F.interpolate(each, (20, 30), mode="bilinear", align_corners=False).softmax(1) for each in scores]
    assert np.array_equal(found, (shares[0] + shares[1]).argmax(1)[0].numpy())


def test_a_protocol_may_ask_for_aligned_corners(tmp_path: Path) -> None:
    segmenter = load_configured(written(tmp_path), FACES, CPU)
    scores = torch.randn(1, 19, 4, 5, generator=torch.Generator().manual_seed(0))
    for corners in (False, True):
        expected = F.interpolate(scores, (21, 33), mode="bilinear", align_corners=corners).argmax(1)[0].numpy()
        (found,) = segmenter.classes([scores], [(21, 33)], corners)
        assert np.array_equal(found, expected)


def test_the_171_classes_of_coco_stuff_become_ids(tmp_path: Path) -> None:
    classes = ClassTable.shipped("coco_stuff")
    segmenter = load_configured(written(tmp_path, classes=171), classes, CPU)
    scores = torch.eye(171)[:, :, None, None]
    found = [int(each[0, 0]) for each in segmenter.classes([scores], [(1, 1)] * 171)]
    assert found == [index for index in range(182) if index not in COCO_STUFF_NEVER]
    unused = [classes.names[index] for index in COCO_STUFF_NEVER]
    assert unused[:4] == ["street sign", "hat", "shoe", "eye glasses"]
    assert unused[4:] == ["plate", "mirror", "window", "desk", "door", "blender", "hair brush"]


def test_one_output_of_two_classes_is_compared_with_its_threshold(tmp_path: Path, inference: Any) -> None:
    """As shipped for vessels. The threshold is set amid the picture's probabilities."""
    config, checkpoint = tmp_path / "config.py", tmp_path / "weights.pth"
    text = CONFIG.replace("{classes}", "2, out_channels=1, threshold={threshold}")
    config.write_text(text.replace("{threshold}", "0.3"), encoding="utf-8")
    source = saved(config, checkpoint)
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    _, probabilities = inference(config, checkpoint, picture)
    config.write_text(text.replace("{threshold}", str(float(probabilities.median()))), encoding="utf-8")
    expected, _ = inference(config, checkpoint, picture)
    assert set(np.unique(expected)) == {0, 1}
    rows = [{"id": each, "name": str(each), "color": [0, 0, each], "evaluate_as": each} for each in (0, 1)]
    segmenter = load_configured(source, ClassTable.from_rows(rows), CPU)
    assert np.array_equal(predicted(segmenter, picture, (20, 30)), expected)


def test_what_cannot_be_built_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"expected mmseg:CONFIG\.py,CHECKPOINT\.pth"):
        load_configured("mmseg:config.py", FACES, CPU)
    with pytest.raises(UserError, match=r"nowhere\.py: no such file"):
        load_configured("mmseg:nowhere.py,weights.pth", FACES, CPU)
    source = written(tmp_path)
    with pytest.raises(UserError, match=r"a network of 19 classes; expected the dataset's 150 evaluated ones"):
        load_configured(source, ClassTable.shipped("ade20k"), CPU)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('type="EncoderDecoder"', 'type="NoSuchNetwork"', "not a configuration that MMSegmentation can build"),
        (", data_preprocessor=data_preprocessor", "", "its model has no data_preprocessor; expected a SegData"),
        ("test_pipeline", "pipeline", "expected a test_pipeline that begins with LoadImageFromFile"),
        ('dict(type="LoadImageFromFile"), ', "", "expected a test_pipeline that begins with LoadImageFromFile"),
        ("PackSegInputs", "NoSuchStep", "its test_pipeline can't be used: .*NoSuchStep"),
        ('dict(type="PackSegInputs")', "", "its test_pipeline can't be used"),
    ],
)
def test_configurations_that_say_too_little_are_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    source = written(tmp_path)
    config = tmp_path / "config.py"
    config.write_text(config.read_text().replace(old, new), encoding="utf-8")
    with pytest.raises(UserError, match=rf"config\.py: {message}"):
        load_configured(source, FACES, CPU)
