"""What pictures are called without being told, and as a folder."""

from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.results.naming import called, folder_name


@pytest.mark.parametrize(
    ("places", "name"),
    [
        (("theirs",), "theirs"),
        (("results/model_B/test_latest/images/synthesized_image",), "model_B"),
        (("results/model_B/val_40/images",), "model_B"),
        (("results/spade/test_latest/images/synthesized_image",), "synthesized_image"),
        (("out/group_{sample}/{id}.png",), "out"),
        (("out/*/{id}.png",), "out"),
        (("samples_500x256x512x3.npz",), "samples_500x256x512x3"),
        (("A", "B"), "A + B"),
    ],
)
def test_pictures_are_called_as_their_folder(places: tuple[str, ...], name: str, tmp_path: Path) -> None:
    for place in places:
        folder = tmp_path / place
        if "{" not in place and folder.suffix != ".npz":
            folder.mkdir(parents=True)
    assert called([tmp_path / place for place in places], None) == name


def test_a_name_made_of_several_that_is_too_long_needs_another(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give --name"):
        called([tmp_path / ("a" * 50), tmp_path / ("b" * 50)], None)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("Their method v2.1", "Their method v2.1"),
        ("a/b", "a-b"),
        ("../x", "-x"),
        ("école", "école"),
        ("...", "pictures"),
    ],
)
def test_a_name_becomes_a_folder_of_the_working_directory(name: str, folder: str) -> None:
    assert folder_name(name) == folder
