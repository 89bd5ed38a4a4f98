"""Networks of MMSegmentation's own configurations segment pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.base import ClassTable
from sdm_bench.datasets.encodings import COCO_STUFF_NEVER
from segmenters.configured import KeptRatio, build, load_configured
from segmenters.mmsegmentation import Config
from segmenters.prediction import Segmenter
from segmenters.preprocessing import Fixed

CPU = torch.device("cpu")
FACES = ClassTable.shipped("celebamask_hq")
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
    train_cfg=dict(), test_cfg={test})
test_pipeline = [dict(type="LoadImageFromFile"), dict(type="Resize", scale=(64, 32), keep_ratio=True)]
"""
SLIDING = "dict(mode='slide', crop_size=(16, 16), stride=(8, 8))"


def written(folder: Path, classes: int = 19, test: str = "dict(mode='whole')") -> str:
    """The --segmenter of a small network with random weights."""
    config, checkpoint = folder / "config.py", folder / "weights.pth"
    config.write_text(CONFIG.replace("{classes}", str(classes)).replace("{test}", test), encoding="utf-8")
    torch.manual_seed(0)
    network = build(Config.fromfile(config))
    torch.save({"state_dict": network.state_dict(), "meta": {"epoch": 1}}, checkpoint)
    return f"mmseg:{config},{checkpoint}"


@pytest.mark.parametrize("test", ["dict(mode='whole')", SLIDING])
def test_a_configured_network_predicts_classes_of_pictures(tmp_path: Path, test: str) -> None:
    configured, configuration = load_configured(written(tmp_path, test=test), FACES)
    assert "test_cfg" in configuration
    segmenter = Segmenter("test", configured.eval(), None, "0", CPU, configured.preprocessing)
    picture = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    (prepared,) = segmenter.prepare(picture)
    assert tuple(prepared.shape) == (3, 32, 48)
    (predicted,) = segmenter.classes(segmenter.scores([prepared[None]]), [(16, 24)])
    assert predicted.shape == (16, 24)
    assert predicted.max() < 19
    with torch.no_grad():
        network = configured.network
        pixels = (prepared + 1) * 127.5
        mean, std = (torch.tensor(each)[:, None, None] for each in ([100.0, 110.0, 120.0], [50.0, 51.0, 52.0]))
        about = [{"img_shape": (32, 48), "ori_shape": (32, 48), "pad_shape": (32, 48)}]
        scores = network.inference(((pixels - mean) / std)[None], about)
        small = torch.nn.functional.interpolate(scores, (16, 24), mode="bilinear", align_corners=False)
    assert np.array_equal(predicted, small.softmax(1).argmax(1)[0].numpy())


def test_the_171_classes_of_coco_stuff_become_ids(tmp_path: Path) -> None:
    classes = ClassTable.shipped("coco_stuff")
    network, _ = load_configured(written(tmp_path, classes=171), classes)
    scores = network.eval().encode_decode(torch.zeros(1, 3, 32, 32), [])
    assert scores.shape[1] == 182
    assert torch.isinf(scores).all((0, 2, 3)).nonzero().flatten().tolist() == list(COCO_STUFF_NEVER)
    unused = [classes.names[index] for index in COCO_STUFF_NEVER]
    assert unused[:4] == ["street sign", "hat", "shoe", "eye glasses"]
    assert unused[4:] == ["plate", "mirror", "window", "desk", "door", "blender", "hair brush"]


def test_sizes_follow_the_test_pipeline() -> None:
    assert KeptRatio((64, 32))((16, 24)) == ((32, 48),)
    assert KeptRatio((64, 32))((10, 40)) == ((16, 64),)
    assert Fixed((32, 64))((10, 40)) == ((32, 64),)


def test_what_cannot_be_built_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"expected mmseg:CONFIG\.py,CHECKPOINT\.pth"):
        load_configured("mmseg:config.py", FACES)
    with pytest.raises(UserError, match=r"nowhere\.py: no such file"):
        load_configured("mmseg:nowhere.py,weights.pth", FACES)
    source = written(tmp_path)
    with pytest.raises(UserError, match=r"a network of 19 classes; expected the dataset's 150 evaluated ones"):
        load_configured(source, ClassTable.shipped("ade20k"))
    (tmp_path / "config.py").write_text("model = dict(type='NoSuchNetwork')", encoding="utf-8")
    with pytest.raises(UserError, match=r"config\.py: not a configuration that MMSegmentation can build"):
        load_configured(source, FACES)
