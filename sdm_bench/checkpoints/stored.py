"""Networks that this program trained, wherever they lie: a run's folder, a weights file, the shipped toys."""

from dataclasses import dataclass
from pathlib import Path

from sdm_bench import __version__
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import refuse_special
from sdm_bench.base.tensors import Tensors
from sdm_bench.checkpoints.runs import TrainingRun
from sdm_bench.checkpoints.weights_file import Bits, WeightsAbout, read_weights, write_weights


@dataclass(frozen=True)
class StoredNetwork:
    """Tensors, floating-point ones in float32, what they are of, and where they were."""

    tensors: Tensors
    about: WeightsAbout
    source: str


def find_stored(source: Path | str, raw: bool = False) -> StoredNetwork | None:
    """The network in the run's folder or weights file `source`; None where it is neither, or nothing.

    raw: a run's trained weights, not their average; raises UserError for a file, which has one kind.
    """
    path = Path(source)
    if not is_stored(path):
        return None
    if TrainingRun(path).exists:
        return StoredNetwork(*TrainingRun(path).weights(raw), str(path))
    if raw:
        raise UserError(f"--raw: {path} holds weights of one kind; expected a run or a checkpoint with both")
    tensors, about = read_weights(path)
    assert about is not None
    return StoredNetwork(tensors, about, str(path))


def is_stored(path: Path) -> bool:
    """Whether a run's folder or a weights file is there, which nothing is read of; raises UserError for a device."""
    refuse_special(path)
    return TrainingRun(path).exists or (path.is_file() and path.with_suffix(".json").is_file())


def export_weights(run: Path, file: Path, bits: Bits, raw: bool) -> Path:
    """Packs the newest weights of a training run as one safetensors file and a JSON beside it; returns the file.

    bits: of floating-point numbers, see `write_weights`. raw: the trained weights, not their average.
    """
    if file.suffix != ".safetensors":
        raise UserError(f"{file}: expected a name that ends in .safetensors")
    if file.exists():
        raise UserError(f"{file}: there already; delete it or choose another name")
    tensors, about = TrainingRun(run).weights(raw)
    write_weights(file, tensors, about.model_copy(update={"version": __version__}), bits)
    return file
