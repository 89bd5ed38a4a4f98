"""Features of folders: in which order, when they are computed again, and the numbers of other packages."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from sdm_bench.base.errors import UserError
from sdm_bench.base.tensors import read_safetensors
from sdm_bench.metrics import features
from sdm_bench.metrics.features import Extractor, cache_key, extract, inception_extractor
from sdm_bench.metrics.images import folder_source
from sdm_bench.metrics.inception import FIDInception
from sdm_bench.metrics.resize import resize_mode
from tests.metrics.conftest import pixels
from tests.weights.cached import cached


class Small(nn.Module):
    """A convolution, its positive part, means: float32 (N, 3, 299, 299) -> (N, 8). Counts the pictures it sees."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolution = nn.Conv2d(3, 8, 7, stride=4)
        self.seen: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(len(x))
        return self.convolution(x).relu().mean((2, 3))


def extractor(resize: str = "clean", weights: str = "00", name: str = "small") -> Extractor:
    return Extractor(name, weights, resize_mode(resize), Small(), torch.device("cpu"))


def seen(given: Extractor) -> list[int]:
    assert isinstance(given.module, Small)
    return given.module.seen


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 50])
def test_no_picture_is_lost_doubled_or_moved_by_batches(folder: Path, batch_size: int) -> None:
    given = extractor()
    found = extract(folder_source(folder), given, batch_size=batch_size)
    assert (found.shape, found.dtype) == ((7, 8), np.float32)
    # a batch of one is seen as two; cores take the batches in any order
    runs = [min(batch_size, 7 - start) for start in range(0, 7, batch_size)]
    assert sorted(seen(given)) == sorted(max(2, run) for run in runs)
    source = folder_source(folder)
    for index in range(7):
        with torch.no_grad():
            alone = given.module(given.resize(source.read(index))[None])[0].numpy()
        np.testing.assert_allclose(found[index], alone, rtol=1e-5)
    assert len(np.unique(found.round(6), axis=0)) == 7


def test_features_do_not_depend_on_the_number_of_cores(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[int] = []

    class Watched(Small):
        def forward(self, x: Tensor) -> Tensor:
            inside.append(torch.get_num_threads())
            return super().forward(x)

    given = Extractor("small", "00", resize_mode("clean"), Watched(), torch.device("cpu"))
    before, found = torch.get_num_threads(), []
    try:
        for cores, most in ((1, 16), (3, 16), (4, 2)):
            monkeypatch.setattr(features, "MOST_THREADS", most)
            torch.set_num_threads(cores)
            found.append(extract(folder_source(folder), given, batch_size=2))
            assert torch.get_num_threads() == cores
    finally:
        torch.set_num_threads(before)
    assert inside == [1] * 8 + [2] * 4
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_allclose(found[0], found[2], rtol=1e-5)


def test_a_batch_on_a_cpu_stays_small(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "CPU_BATCH", 3)
    given = extractor()
    found = extract(folder_source(folder), given)
    assert sorted(seen(given)) == [2, 3, 3]
    np.testing.assert_array_equal(found, extract(folder_source(folder), extractor(), batch_size=3))


def test_features_are_kept_with_what_they_depend_on(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = extract(folder_source(folder), extractor(), cache)
    given = extractor()
    np.testing.assert_array_equal(extract(folder_source(folder), given, cache, batch_size=2), first)
    assert seen(given) == []
    (path,) = cache.iterdir()
    with safe_open(path, framework="numpy") as stored:
        assert stored.metadata() == cache_key(folder_source(folder), given)
        assert set(stored.metadata()) == {"manifest", "extractor", "weights_sha256", "resize", "extraction_version"}


@pytest.mark.parametrize(
    "change",
    [
        lambda folder, _: Image.fromarray(pixels(99)).save(folder / "picture0.png") or extractor(),
        lambda *_: extractor(resize="legacy_pytorch"),
        lambda *_: extractor(weights="01"),
        lambda *_: extractor(name="other"),
        lambda _, patch: patch.setattr(features, "EXTRACTION_VERSION", "next") or extractor(),
    ],
    ids=["picture", "resize", "weights", "extractor", "version"],
)
def test_what_changes_features_has_them_computed_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[..., Extractor]
) -> None:
    cache = tmp_path / "cache"
    extract(folder_source(folder), extractor(), cache)
    given = change(folder, monkeypatch)
    extract(folder_source(folder), given, cache)
    assert sum(seen(given)) == 7
    assert len(list(cache.iterdir())) == 2


def test_a_damaged_cache_file_is_made_anew(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = extract(folder_source(folder), extractor(), tmp_path / "cache")
    (path,) = (tmp_path / "cache").iterdir()
    path.write_bytes(path.read_bytes()[:50])
    np.testing.assert_array_equal(extract(folder_source(folder), extractor(), tmp_path / "cache"), first)
    assert f"{path}: broken" in capsys.readouterr().err


def test_a_picture_that_cannot_be_read_is_named_and_nothing_is_kept(folder: Path, tmp_path: Path) -> None:
    (folder / "picture5.png").write_bytes(b"no picture")
    (folder / "picture5.WEBP").unlink()
    with pytest.raises(UserError, match=r"picture5.png: not a"):
        extract(folder_source(folder), extractor(), tmp_path / "cache")
    assert not (tmp_path / "cache").exists() or not list((tmp_path / "cache").iterdir())


def test_a_batch_of_nothing_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match="batch size of 0"):
        extract(folder_source(folder), extractor(), batch_size=0)


@pytest.fixture(scope="module")
def torch_fidelity_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cached weights as the file that torch-fidelity and pytorch-fid load, with a classifier drawn at random."""
    tensors = read_safetensors(cached("inception-2015-12-05"))
    with torch.device("meta"):
        expected = FIDInception().state_dict()
    counters = {name: torch.zeros((), dtype=torch.int64) for name in expected if name.endswith("num_batches_tracked")}
    generator = torch.Generator().manual_seed(0)
    scores = {
        f"fc.{kind}": torch.randn(expected[f"fc.{kind}"].shape, generator=generator) for kind in ("weight", "bias")
    }
    path = tmp_path_factory.mktemp("weights") / "inception"
    torch.save(counters | scores | tensors, path.with_suffix(".pth"))
    save_file(scores | tensors, path.with_suffix(".safetensors"))
    return path.with_suffix(".pth")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two pictures of another size than 299, smooth enough for every layer to see something."""
    root = tmp_path / "two"
    root.mkdir()
    for index in range(2):
        small = Image.fromarray(pixels(index, 9, 12))
        small.resize((520, 170), Image.Resampling.BICUBIC).save(root / f"{index}.png")
    return root


def test_tf1_features_and_class_scores_are_torch_fidelity_s(torch_fidelity_weights: Path, pictures: Path) -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    theirs = FeatureExtractorInceptionV3("ours", ["2048", "logits_unbiased"], str(torch_fidelity_weights))
    source, weights = folder_source(pictures), read_safetensors(torch_fidelity_weights.with_suffix(".safetensors"))
    batch = torch.from_numpy(np.stack([source.read(k) for k in range(2)]).transpose(0, 3, 1, 2).copy())
    expected = [found.numpy() for found in theirs(batch)]
    features = extract(source, inception_extractor(weights, "tf1", "cpu"))
    ours = [features, features @ weights["fc.weight"].numpy().T]
    for found, wanted in zip(ours, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())
        assert np.abs(wanted[0] - wanted[1]).max() > 0.05 * np.abs(wanted).max()
    clean = extract(source, inception_extractor(weights, "clean", "cpu"))
    assert np.abs(clean - expected[0]).max() > 1e-2 * np.abs(expected[0]).max()


def test_legacy_features_are_pytorch_fid_s_of_the_folder(
    torch_fidelity_weights: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytorch_fid import inception as theirs
    from pytorch_fid.fid_score import get_activations

    monkeypatch.setattr(theirs, "load_state_dict_from_url", lambda *_, **__: torch.load(torch_fidelity_weights))
    files = sorted(pictures.iterdir())
    expected = get_activations(files, theirs.InceptionV3([3]), batch_size=2, num_workers=0)
    weights = read_safetensors(cached("inception-2015-12-05"))
    found = extract(folder_source(pictures), inception_extractor(weights, "legacy_pytorch", "cpu"))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_a_flipped_bit_in_kept_features_is_noticed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = extract(folder_source(folder), extractor(), tmp_path / "cache")
    (path,) = (tmp_path / "cache").iterdir()
    body = bytearray(path.read_bytes())
    body[body.index(first[3].tobytes()) + 1] ^= 1
    path.write_bytes(body)
    np.testing.assert_array_equal(extract(folder_source(folder), extractor(), tmp_path / "cache"), first)
    assert f"{path}: broken (not the numbers that were stored); extracting" in capsys.readouterr().err


def test_features_that_cannot_be_kept_are_given_all_the_same(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    unstored: list[str] = []
    found = extract(folder_source(folder), extractor(), tmp_path / "cache", unstored=unstored)
    np.testing.assert_array_equal(found, extract(folder_source(folder), extractor()))
    assert len(unstored) == 1
    assert unstored[0].startswith(f"features of {folder} not stored: {tmp_path}/cache/")
