"""The cells that train: methods, in stages, and segmenters."""

from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import sha256_file
from sdm_bench.models.preset import PERCEPTUAL_DEFAULT, Preset
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.code import code_of
from sdm_bench.suites.factors import Combination
from sdm_bench.suites.planning import PRESET, Planning, named, spelled
from sdm_bench.suites.schema import Data, Entry, SegmenterTraining, Stage
from sdm_bench.suites.sources import place
from sdm_bench.weights.store import provenance

# Options of a training that don't move its result.
OF_THE_WAY = {"workers", "log_every", "save_every", "grid_every", "gradient_checkpointing"}


def trained(planning: Planning, each: Combination, entry: Entry) -> Cell:
    """The last stage of a combination's training."""
    before: Cell | None = None
    stages = list(entry.stages)
    for number, stage in enumerate(stages):
        last = number == len(stages) - 1
        # factors are of the last stage, so that all their values start from the same one before
        factors = each.train if last else ()
        chosen = _chosen(planning, each, stage, dict(factors))
        seed = f"seed-{each.seed}" + ("" if last else f".stage-{number + 1}")
        name = named("train", each.dataset, each.method, spelled(factors), seed)
        before = _stage(planning, each, entry, chosen, before, name)
    assert before is not None
    return before


def _chosen(planning: Planning, each: Combination, stage: Stage, changes: dict[str, Any]) -> Stage:
    try:
        found = Stage.model_validate({**stage.model_dump(), **changes})
    except ValidationError as error:
        where = planning.lined.place(("methods", each.method, "factors"))
        raise UserError(f"{where}: {error.errors()[0]['loc'][0]}: {error.errors()[0]['msg']}") from error
    if found.mistake:
        raise UserError(f"{planning.lined.place(('methods', each.method))}: {found.mistake}")
    return found


def _stage(planning: Planning, each: Combination, entry: Entry, stage: Stage, before: Cell | None, called: str) -> Cell:
    name, place = entry.method or each.method, planning.places[each.dataset]
    preset = planning.preset(each.method, name, entry.preset or PRESET, place.dataset)
    _refuse_idle(planning, each, stage, preset)
    known = place.split("train")
    data = planning.data(place)
    size, unit = stage.length(stage.batch_size or preset.training.batch_size)
    options = {
        "label": each.method,
        "method": name,
        "preset": entry.preset or PRESET,
        "dataset": place.dataset,
        "seed": each.seed,
        **stage.model_dump(),
    }
    return planning.add(
        Cell(
            "train",
            called,
            options,
            _decided(stage, name, each.seed, preset, known.digest, before),
            {"data": data.id, **({"init": before.id} if before else {})},
            size=size,
            rate=f"train {unit} {name} {entry.preset or PRESET} {place.dataset}",
            processes=entry.processes,
            lacks=known.lacks,
        )
    )


def _decided(
    stage: Stage, name: str, seed: int | None, preset: Preset, scenes: str, before: Cell | None
) -> dict[str, Any]:
    """What decides a stage's result."""
    return {
        "options": {"seed": seed, "method": name, **stage.model_dump(exclude=OF_THE_WAY)},
        "preset": preset.model_dump(mode="json", exclude={"sampling"}),
        "training data": scenes,
        **({"first stage": before.key} if before else {}),
        **({"perceptual weights": _perceptual(stage.perceptual)} if _has_perceptual_loss(preset) else {}),
        **code_of("train", name),
    }


def _has_perceptual_loss(preset: Preset) -> bool:
    return preset.discriminator is not None and preset.discriminator.lambda_vgg > 0


def _perceptual(asked: str | None) -> str:
    """The digest of the perceptual loss's weights, which is on where they are in the cache."""
    found = None if asked == "none" else provenance(asked or PERCEPTUAL_DEFAULT)
    return "absent" if found is None else found.sha256


def _refuse_idle(planning: Planning, each: Combination, stage: Stage, preset: Preset) -> None:
    """Raises UserError for options of a stage that its method doesn't take."""
    if preset.discriminator is not None and (stage.condition_dropout or stage.timestep_sampler != "uniform"):
        raise UserError(
            f"{planning.lined.place(('methods', each.method))}: {each.method} is a GAN; diffusion models take "
            "condition_dropout and timestep_sampler"
        )
    if stage.perceptual and not _has_perceptual_loss(preset):
        raise UserError(
            f"{planning.lined.place(('methods', each.method))}: {each.method} is trained without a perceptual loss; "
            "leave perceptual out"
        )


def segmenter(planning: Planning, label: str, data: Data) -> Cell | str | None:
    """The cell that trains a dataset's segmenter; one by its name or file, or None, as the suite has it."""
    chosen = data.segmenter
    if not isinstance(chosen, SegmenterTraining):
        return chosen
    own = planning.places[label]
    if chosen.toy is not None:
        own = place(f"{label}.segmenter", own.dataset, None, chosen.toy)
    known = own.split("train")
    fields = chosen.model_dump(exclude={"toy"})
    decided = {
        "options": {name: value for name, value in fields.items() if name not in OF_THE_WAY},
        "preset": _preset_file(chosen.method),
        "training data": known.digest,
        **code_of("segmenter", chosen.method),
    }
    size, unit = chosen.length(1)
    return planning.add(
        Cell(
            "segmenter",
            f"segmenter.{label}.{chosen.method}",
            {**fields, "dataset": own.dataset},
            decided,
            {"data": planning.data(own).id},
            size=size,
            rate=f"segmenter {unit} {chosen.method} {chosen.preset} {own.dataset}",
            lacks=known.lacks,
        )
    )


def _preset_file(name: str) -> str:
    """The digest of what says how a segmenter is trained."""
    file = Path(str(resources.files("segmenters").joinpath("presets", f"{name}.yaml")))
    if not file.is_file():
        trained_ones = ", ".join(sorted(each.stem for each in file.parent.glob("*.yaml")))
        raise UserError(f"segmenter '{name}': no preset says how it is trained; expected one of {trained_ones}")
    return sha256_file(file)
