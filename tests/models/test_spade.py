"""SPADE's generator and discriminator, beyond what the parity cases fix."""

import torch

from sdm_bench.models.patchgan import MultiscaleDiscriminator
from sdm_bench.models.spade import SPADEConfig, SPADEGenerator


def test_the_picture_has_the_size_of_the_label_map_and_is_in_range() -> None:
    config = SPADEConfig(num_classes=4, edges=False, ngf=4, widest=2, hidden=4)
    with torch.no_grad():
        picture = SPADEGenerator(config).eval()(torch.rand(2, 4, 32, 96))
    assert picture.shape == (2, 3, 32, 96)
    assert picture.abs().max() <= 1


def test_widest_limits_the_coarse_layers_alone() -> None:
    narrow = SPADEGenerator(SPADEConfig(num_classes=4, edges=False, ngf=8, widest=2, hidden=4))
    assert narrow.head_0.conv_0.weight_orig.shape[:2] == (16, 16)
    assert narrow.up_3.conv_0.weight_orig.shape[:2] == (8, 16)


def test_every_scale_of_the_discriminator_gives_all_its_layers() -> None:
    outputs = MultiscaleDiscriminator(4, ndf=4, layers=3, scales=2)(torch.rand(1, 7, 32, 64))
    assert [len(scale) for scale in outputs] == [4, 4]
    assert all(scale[-1].shape[1] == 1 for scale in outputs)
    assert outputs[0][0].shape[2] > outputs[1][0].shape[2]
