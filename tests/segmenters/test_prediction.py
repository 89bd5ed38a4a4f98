"""Segmenters feed their networks as told and predict evaluated classes."""

import numpy as np
import torch

from segmenters.prediction import Segmenter, resized
from segmenters.preprocessing import Fixed, Preprocessing
from tests.segmenters.toys import predict

CPU = torch.device("cpu")


class Brightest(torch.nn.Module):
    """Scores that are the picture's channels: the class is the brightest channel."""

    def encode_decode(self, x: torch.Tensor, about: list[dict]) -> torch.Tensor:
        self.size = tuple(x.shape[2:])
        return resized(x, about[0]["img_shape"])


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
    scores = segmenter.scores([torch.zeros(2, 3, 8, 16)])
    assert [x.shape for x in segmenter.classes(scores, [(8, 16), (30, 20)])] == [(8, 16), (30, 20)]


def test_scores_of_one_pass_are_resized_with_or_without_their_corners() -> None:
    """The first class leads by 4 - 5 t at t of the way from the first column to the second."""
    segmenter = Segmenter("test", Brightest(), (8, 16), "0", CPU)
    scores = [torch.tensor([[[[4.0, 0.0]], [[0.0, 1.0]]]])]
    (plain,) = segmenter.classes(scores, [(1, 5)])
    (aligned,) = segmenter.classes(scores, [(1, 5)], corners=True)
    assert plain.tolist() == [[0, 0, 0, 1, 1]]  # t = 0, 0.1, 0.5, 0.9, 1
    assert aligned.tolist() == [[0, 0, 0, 0, 1]]  # t = 0, 0.25, 0.5, 0.75, 1


def test_probabilities_of_all_passes_are_averaged() -> None:
    """The second class has the higher score in sum, the first the higher probability."""
    segmenter = Segmenter("test", Brightest(), (8, 16), "0", CPU)
    passes = [
        torch.tensor(each)[None, :, None, None].expand(1, 2, 1, 1) for each in ([0.0, 9.0], [4.0, 0.0], [4.0, 0.0])
    ]
    (predicted,) = segmenter.classes(passes, [(2, 2)])
    assert predicted.tolist() == [[0, 0], [0, 0]]


def test_a_picture_of_the_right_size_is_left_alone() -> None:
    x = torch.rand(1, 3, 4, 6)
    assert resized(x, (4, 6)) is x
