"""How the reference packages of FID, and this program, turn pictures into features and features into a distance.

The packages are dev dependencies. Everything is imported where it is used: a package may be absent, and a process that
only measures a distance need not wait for torch.
"""

import os
import statistics
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdm_bench.base.errors import UserError

if TYPE_CHECKING:
    import torch

OURS = "sdm-bench"
# What clean-fid and pytorch-fid call the file that they would download.
WEIGHTS_FILE = "pt_inception-2015-12-05-6726825d.pth"

# Its networks take (pixels - h) / h: GaParmar/clean-fid@e88c4d6, cleanfid/inception_*.py.
CLEAN_FID_HALF_RANGE = {"clean": 128.0, "legacy_pytorch": 127.5}

# () -> features (N, 2048).
Extraction = Callable[[], np.ndarray]
# float32 features (N, D), (M, D) -> Fréchet distance, means and covariances included.
Distance = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Setting:
    """What every program is given.

    files: the pictures of `folder` in the order of their ids. weights: safetensors; packed: the same as a PyTorch file.
    workers: processes that read pictures for the packages.
    """

    folder: Path
    files: tuple[str, ...]
    weights: Path
    packed: Path
    batch_size: int
    workers: int
    device: "torch.device"


def _our_extraction(setting: Setting, reading: str) -> Extraction:
    """Listing and digesting the files included, which the packages do without."""
    from sdm_bench.base.tensors import read_safetensors
    from sdm_bench.metrics.features import extract, inception_extractor
    from sdm_bench.metrics.images import folder_source

    extractor = inception_extractor(read_safetensors(setting.weights), reading, str(setting.device))
    return lambda: extract(folder_source(setting.folder), extractor, None, setting.batch_size)


def _clean_fid_extraction(setting: Setting, reading: str) -> Extraction:
    """Its PyTorch network for both readings: its TorchScript file can't be given other weights."""
    package = import_module("cleanfid.fid")
    inception = import_module("cleanfid.inception_pytorch").InceptionV3
    network = inception([3], resize_input=False, normalize_input=False).eval().to(setting.device)
    half_range = CLEAN_FID_HALF_RANGE[reading]

    def model(pixels: "torch.Tensor") -> "torch.Tensor":
        return network((pixels - half_range) / half_range)[0].flatten(1)

    options: dict[str, Any] = {"num_workers": setting.workers, "batch_size": setting.batch_size, "verbose": False}
    files = list(setting.files)
    return lambda: package.get_files_features(files, model, device=setting.device, mode=reading, **options)


def _pytorch_fid_extraction(setting: Setting, reading: str) -> Extraction:
    package = import_module("pytorch_fid.fid_score")
    network = package.InceptionV3([3]).to(setting.device)
    files, size, workers = list(setting.files), setting.batch_size, setting.workers
    return lambda: package.get_activations(files, network, size, 2048, setting.device, workers)


def _torch_fidelity_extraction(setting: Setting, reading: str) -> Extraction:
    """It chooses its number of processes itself, unless there are to be none."""
    package = import_module("torch_fidelity.utils")
    cuda = setting.device.type == "cuda"
    options: dict[str, Any] = {"feature_extractor_weights_path": str(setting.packed), "verbose": False}
    network = package.create_feature_extractor("inception-v3-compat", ["2048"], cuda=cuda, **options)
    pictures = package.ImagesPathDataset(setting.files)
    rest = (setting.batch_size, cuda, setting.workers == 0, False)
    return lambda: package.get_featuresdict_from_dataset(pictures, network, *rest)["2048"].numpy()


# By reading, a mode of metrics/resize.py, and program.
EXTRACTIONS: dict[tuple[str, str], Callable[[Setting, str], Extraction]] = {
    ("clean", OURS): _our_extraction,
    ("clean", "clean-fid"): _clean_fid_extraction,
    ("legacy_pytorch", OURS): _our_extraction,
    ("legacy_pytorch", "clean-fid"): _clean_fid_extraction,
    ("legacy_pytorch", "pytorch-fid"): _pytorch_fid_extraction,
    ("tf1", OURS): _our_extraction,
    ("tf1", "torch-fidelity"): _torch_fidelity_extraction,
}
REMARKS = {("clean", "clean-fid"): "with its PyTorch network, in place of the TorchScript file that it downloads"}


@contextmanager
def packed_weights(weights: Path) -> Iterator[Path]:
    """The tensors of a safetensors file as the PyTorch file of the packages, where they look before they download."""
    import torch

    from sdm_bench.base.tensors import read_safetensors
    from sdm_bench.metrics.inception import CLASSES, DIMENSIONS

    classifier = {"fc.weight": torch.zeros(CLASSES, DIMENSIONS[-1]), "fc.bias": torch.zeros(CLASSES)}
    before = torch.hub.get_dir()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoints" / WEIGHTS_FILE
        path.parent.mkdir()
        torch.save({**classifier, **read_safetensors(weights)}, path)
        torch.hub.set_dir(folder)
        try:
            yield path
        finally:
            torch.hub.set_dir(before)


def _our_distance() -> Distance:
    from sdm_bench.metrics.frechet import frechet_distance

    return frechet_distance


def _clean_fid_distance() -> Distance:
    return import_module("cleanfid.fid").fid_from_feats


def _pytorch_fid_distance() -> Distance:
    package = import_module("pytorch_fid.fid_score")

    def distance(first: np.ndarray, second: np.ndarray) -> float:
        sets = [each.astype(np.float64) for each in (first, second)]  # as it stores them
        moments = [moment for each in sets for moment in (each.mean(0), np.cov(each, rowvar=False))]
        return package.calculate_frechet_distance(*moments)

    return distance


def _torch_fidelity_distance() -> Distance:
    import torch

    package = import_module("torch_fidelity.metric_fid")

    def distance(first: np.ndarray, second: np.ndarray) -> float:
        sets = [package.fid_features_to_statistics(torch.from_numpy(each)) for each in (first, second)]
        return package.fid_statistics_to_metric(*sets, verbose=False)[package.KEY_METRIC_FID]

    return distance


DISTANCES: dict[str, Callable[[], Distance]] = {
    OURS: _our_distance,
    "torch-fidelity": _torch_fidelity_distance,
    "pytorch-fid": _pytorch_fid_distance,
    "clean-fid": _clean_fid_distance,
}


def version(program: str) -> str:
    """The installed version of a program, empty where it is absent."""
    if program == OURS:
        from sdm_bench import __version__

        return __version__
    try:
        return metadata.version(program)
    except metadata.PackageNotFoundError:
        return ""


def reason(error: Exception) -> str:
    """Why a package could not, in a line."""
    kind = "not installed" if isinstance(error, ModuleNotFoundError) else type(error).__name__
    return f"{kind}: {' '.join(str(error).split())[:200]}"


@contextmanager
def quiet(program: str) -> Iterator[None]:
    """Without the warnings, warning filters and progress bars of a package that is not ours."""
    if program == OURS:
        yield
        return
    with warnings.catch_warnings(), open(os.devnull, "w") as nowhere:
        warnings.simplefilter("ignore")
        with redirect_stdout(nowhere), redirect_stderr(nowhere):
            yield


def check_repeats(repeats: int) -> None:
    """Raises UserError for less than one repeat."""
    if repeats < 1:
        raise UserError(f"{repeats} repeats; expected at least 1")


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """The median over turns of how many times as long they took."""
    return statistics.median(a / b for a, b in zip(theirs, ours, strict=False))
