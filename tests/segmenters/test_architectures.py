"""The sizes at which released segmenters have been trained."""

from segmenters.architectures import ARCHITECTURES


def test_the_crops_of_released_weights() -> None:
    assert ARCHITECTURES["upernet101"].released_weights == {"ade20k-upernet101": (480, 480)}
    assert ARCHITECTURES["deeplabv2-resnet101"].released_weights == {"coco-stuff-deeplabv2-resnet101": (512, 512)}
