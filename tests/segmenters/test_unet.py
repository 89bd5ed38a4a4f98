"""The face-parsing U-Net's published width."""

from segmenters.unet import face_parsing_unet, to_released


def test_it_has_a_quarter_of_the_u_net_s_channels() -> None:
    sizes = [tuple(value.shape) for value in to_released(face_parsing_unet(19).state_dict()).values()]
    assert sizes[0] == (16, 3, 3, 3)
