"""The checkpoints that ship with the program: toy networks, a folder a dataset."""

from importlib import resources
from pathlib import Path

from sdm_bench.base.errors import UserError

# What commands call the checkpoints that ship with the program, and whose they are where no dataset is said.
SHIPPED = "toy"
UNSAID = "cityscapes"
FOLDER = Path(str(resources.files("sdm_bench.weights").joinpath("toy")))


def shipped() -> dict[str, list[str]]:
    """The methods and segmenters, by dataset, of which a checkpoint for toy scenes ships with the program."""
    found: dict[str, list[str]] = {}
    for path in sorted(FOLDER.glob("*/*.safetensors")):
        found.setdefault(path.parent.name, []).append(path.stem)
    return found


def shipped_weights(name: str, dataset: str | None = None) -> Path:
    """The checkpoint of a method or segmenter for the toy scenes of a dataset; raises UserError that lists what ships.

    dataset: None for UNSAID.
    """
    dataset, there = dataset or UNSAID, shipped()
    if name not in there.get(dataset, ()):
        listed = "; ".join(f"{each}: {', '.join(names)}" for each, names in there.items())
        raise UserError(f"no toy checkpoint of '{name}' for {dataset} ships with the program; those that do: {listed}")
    return FOLDER / dataset / f"{name}.safetensors"
