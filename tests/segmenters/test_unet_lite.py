"""The small face-parsing network's order of classes."""

from segmenters.unet_lite import OUTPUT_OF_CLASS


def test_every_output_is_one_class_s() -> None:
    assert sorted(OUTPUT_OF_CLASS) == list(range(19))
