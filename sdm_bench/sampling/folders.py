"""Samples on disk: `<folder>/samples/seed-000/<example id>.png`, a flat folder a seed, and run.json beside `samples/`.

Any FID tool reads such a folder; run.json holds everything that made the pictures.
"""

import re
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sdm_bench import __version__
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import locked, read_object, write_json
from sdm_bench.base.names import folded, has_controls, one_line
from sdm_bench.base.sections import Section, Side, parsed, unless_default

RUN_FILE = "run.json"
# What guides: the network itself by its null label, or a segmenter; and how the variants of rows say the latter.
NULL_LABEL, SEGMENTER = "null-label", "segmenter"
BY_SEGMENTER = "guided by a segmenter"
# What the program itself says in a variant, and nobody else may: see `variant_title`, also of edits.
SAID = re.compile(rf"{BY_SEGMENTER}|ground-truth style|re-synthesis|not pasted|margin \d+")
LONGEST_VARIANT = 200
# Where things lie, as opposed to what they are.
MAY_CHANGE = frozenset({"data", "weights", "segmenter"})


class SampleOptions(Section):
    """Everything that decides the samples of a folder; a folder holds samples of one such set.

    labels_sha256: of the input label maps and their classes, see datasets/digests.py. stochastic: whether another seed
    gives another picture. style: `ground-truth` where the style of each example's own photograph was taken, None where
    it was drawn; photographs_sha256: of these photographs. weights_sha256: over all tensors of the network.
    timestep_respacing: where others than the solver's own timesteps are walked, see Solver. batch_size: of the fixed
    batches that samples are computed in, which decides how they are rounded.
    training_steps, training_seed: None where the weights don't say; steps also where a budget ended the training.
    configuration_sha256: of the network, the diffusion process and how it was trained, see
    checkpoints/weights_file.py. training_note: what tables have to say of the training. guidance_by: `segmenter` where
    one of noisy pictures guided, None where guidance was without a classifier or off; segmenter_sha256: over it. data,
    weights, segmenter: where they were, which may change.
    record: the file that holds them.
    """

    record: ClassVar[str] = RUN_FILE

    method: str
    variant: str = ""
    dataset: str
    data: str
    split: str
    labels_sha256: str
    image_size: tuple[Side, Side]
    recipe: str
    stochastic: bool
    style: str | None = None
    photographs_sha256: str | None = None
    weights: str
    weights_sha256: str
    training_steps: int | None = None
    training_seed: int | None = None
    configuration_sha256: str = ""
    training_note: str = ""
    batch_size: int = 8
    solver: str | None = None
    solver_steps: int | None = None
    timestep_respacing: str | None = unless_default(None)
    guidance: float | None = None
    guidance_by: str | None = unless_default(None)
    segmenter: str | None = unless_default(None)
    segmenter_sha256: str | None = unless_default(None)
    eta: float | None = None
    threshold: str | None = None
    precision: str = "no"

    @property
    def variant_title(self) -> str:
        """The variant, as every row says it; a style that looks at the truth, or what guides, is never left out."""
        guided = BY_SEGMENTER if self.guidance_by == SEGMENTER else ""
        return ", ".join(part for part in (self.variant, self.style and f"{self.style} style", guided) if part)

    @property
    def solver_title(self) -> str:
        """The solver with whatever differs from its defaults, as tables name it."""
        further = (
            f"respaced {self.timestep_respacing}" if self.timestep_respacing else "",
            f"eta {self.eta:g}" if self.eta else "",
            self.threshold if self.threshold not in (None, "clip") else "",
            self.precision if self.precision != "no" else "",
        )
        return " ".join(part for part in (self.solver, *further) if part)


def variant_called(text: str) -> str:
    """What --variant says, as `one_line` has it; raises UserError for what no table could show, or says otherwise."""
    chosen = one_line(text)
    said = next((part for part in chosen.split(",") if SAID.fullmatch(folded(part.strip()))), None)
    if len(chosen) > LONGEST_VARIANT:
        wrong = f"{len(chosen)} characters; expected up to {LONGEST_VARIANT}"
    elif has_controls(text):
        wrong = "control characters or line breaks in it"
    elif said is not None:
        wrong = f"'{said.strip()}' is what tables say of samples that were made so; choose another"
    else:
        return chosen
    raise UserError(f"--variant {chosen[:80]!r}: {wrong}")


@dataclass(frozen=True)
class SampleFolder:
    """A folder of samples and its run.json.

    model: what the options in it are. command: what writes such a folder.
    """

    folder: Path
    model: ClassVar[type[SampleOptions]] = SampleOptions
    command: ClassVar[str] = "generate"

    @property
    def file(self) -> Path:
        """Its run.json."""
        return self.folder / self.model.record

    @property
    def exists(self) -> bool:
        """Whether anything was ever sampled here."""
        return self.file.is_file()

    def options(self) -> SampleOptions:
        """What made the samples."""
        if not self.exists:
            raise UserError(
                f"{self.folder}: no samples; expected {self.file.name} and samples/ as `sdm-bench {self.command}` "
                "writes"
            )
        return parsed(self.model, self.stored().get("options"), self.file)

    def seeds(self) -> list[int]:
        """The seeds that were asked for so far."""
        return list(self.stored()["seeds"]) if self.exists else []

    def stored(self) -> dict[str, Any]:
        """What run.json holds; raises UserError where an older version of the program wrote it."""
        path = self.file
        stored = read_object(path, options=dict, seeds=list)
        if not stored["seeds"] or not all(type(seed) is int and seed >= 0 for seed in stored["seeds"]):
            raise UserError(f"{path}: seeds {reprlib.repr(stored['seeds'])}; expected whole numbers from 0 on")
        if "labels_sha256" not in stored["options"]:
            raise UserError(
                f"{path}: written by version {stored.get('version')} of the program, which did not record the label "
                "maps; sample again into another folder"
            )
        return stored

    def seed_folder(self, seed: int) -> Path:
        """The flat folder of one seed's pictures."""
        return self.folder / "samples" / f"seed-{seed:03d}"

    def sample(self, example_id: str, seed: int) -> Path:
        """The file of one sample."""
        return self.seed_folder(seed) / f"{example_id}.png"

    def start(self, options: SampleOptions, seeds: Sequence[int], command: str, **further: Any) -> None:
        """Writes run.json, or checks that samples already here were made the same way, while other commands wait.

        further: what else it holds. Raises UserError where they were not, for pictures of which no run.json tells, and
        for a second seed of a method that makes one picture a label map.
        """
        with locked(self.folder):
            if self.exists:
                self.refuse_other(options)
            elif stranger := next(self.folder.glob("samples/seed-*/*.png"), None):
                raise UserError(
                    f"{stranger}: there, but no {self.file.name} says how it was made; choose another --out"
                )
            there = self.seeds()
            if not options.stochastic and there and {*there} != {*seeds}:
                raise UserError(
                    f"--seeds {', '.join(map(str, seeds))}: {options.method} makes one picture a label map, whatever "
                    f"the seed; {self.folder} has seed {', '.join(map(str, there))}"
                )
            about = {
                "version": __version__,
                "command": command,
                "seeds": sorted({*there, *seeds}),
                "options": options.model_dump(mode="json"),
                **further,
            }
            write_json(self.file, about)

    def refuse_other(self, options: SampleOptions) -> None:
        """Raises UserError where samples here were made otherwise."""
        differing = self.options().differences(options, MAY_CHANGE)
        if differing:
            raise UserError(f"{self.folder} holds samples made otherwise:\n{differing}\nChoose another --out.")
