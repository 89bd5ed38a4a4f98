"""Untrained toy networks in the place of checkpoints that ship, of the same sizes and kinds."""

from importlib import resources
from pathlib import Path

from sdm_bench.checkpoints.matching import PresetMatch
from sdm_bench.checkpoints.weights_file import WeightsAbout, write_weights
from sdm_bench.datasets.base import ClassTable
from sdm_bench.models import methods
from sdm_bench.models.preset import read_preset
from segmenters.architectures import build_segmenter

SEGMENTER = "unet"


def stand_in(folder: Path, dataset: str, name: str) -> Path:
    """Writes `<dataset>/<name>.safetensors` in 8 bits and its JSON below `folder`; returns the file."""
    size = PresetMatch.of("sdm", "toy", dataset).image_size
    about = WeightsAbout(method=name, dataset=dataset, network={}, image_size=size, training={"preset": "toy"})
    if name == SEGMENTER:
        text = resources.files("segmenters").joinpath(f"presets/{name}.yaml").read_text(encoding="utf-8")
        classes = len(ClassTable.shipped(dataset).evaluated_names)
        fields = {**read_preset(text, name, "toy", dataset).network, "num_classes": classes}
        network, about = build_segmenter(name, **fields), about.model_copy(update={"network": fields})
    else:
        match = PresetMatch.of(name, "toy", dataset)
        network = methods.build_network(name, match.config)
        diffusion = match.preset.diffusion
        more = {
            "network": match.config.model_dump(mode="json"),
            "diffusion": diffusion.model_dump() if diffusion else None,
            "sampling": match.preset.sampling.model_dump(),
            "training": {"preset": "toy", "training": match.preset.training.model_dump(mode="json")},
        }
        about = about.model_copy(update=more)
    file = folder / dataset / f"{name}.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_weights(file, network.state_dict(), about, bits=8)
    return file
