"""What a suite's YAML may say; a field that isn't here is refused with the nearest one that is."""

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, field_validator

from sdm_bench.base.sections import Section, unless_default

# In the name of a rate: what a training is measured in, beside steps.
BUDGET, CORE_BUDGET = "budget", "core-budget"
Factor = tuple[Any, ...]
Precision = Literal["no", "bf16", "fp16"]
# WIDTHxHEIGHT in pixels.
Size = Annotated[str, Field(pattern=r"^[1-9]\d{0,4}x[1-9]\d{0,4}$")]
# Names become folders.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_@+-]*$", max_length=60)]


class Toy(Section):
    """Toy scenes to render: how many of each split, WIDTHxHEIGHT in pixels, and their seed."""

    train: int = Field(0, ge=0)
    val: int = Field(0, ge=0)
    size: Size = "128x64"
    seed: int = Field(0, ge=0)


class Loop(Section):
    """How long and how a network is trained: options of `sdm-bench train` by their names.

    steps; budget, core_budget (minutes of time and of CPU time): one, or steps with a budget. image_size: the short
    side in pixels, or WIDTHxHEIGHT.
    """

    steps: int | None = Field(default=None, ge=1)
    budget: float | None = Field(default=None, gt=0)
    core_budget: float | None = Field(default=None, gt=0)
    image_size: PositiveInt | Size | None = None
    batch_size: int | None = Field(default=None, ge=1)
    learning_rate: float | None = Field(default=None, ge=0)
    accumulate: int = Field(1, ge=1)
    precision: Precision = "no"
    gradient_checkpointing: bool = False
    workers: int = Field(0, ge=0)
    log_every: int = Field(50, ge=1)
    save_every: int = Field(1000, ge=1)
    grid_every: int = Field(1000, ge=1)

    @property
    def mistake(self) -> str:
        """What is wrong with how long it goes on, in words; empty where nothing is."""
        if self.budget is not None and self.core_budget is not None:
            return "budget and core_budget; expected one of them"
        lasting = self.steps is not None or self.budget is not None or self.core_budget is not None
        return "" if lasting else "expected steps, budget or core_budget"

    def length(self, batch: int) -> tuple[float, str]:
        """How much work it is, and in which of the words of a rate: pictures, or seconds of a budget."""
        if self.steps is not None:
            return float(self.steps * batch), "steps"
        if self.core_budget is not None:
            return self.core_budget * 60, CORE_BUDGET
        assert self.budget is not None
        return self.budget * 60, BUDGET


class Stage(Loop):
    """A training of a method. perceptual: as `--perceptual` takes it, of GANs that have such a loss.

    network, diffusion: fields of those sections of a diffusion model's preset.
    """

    condition_dropout: float = Field(0.0, ge=0, le=1)
    timestep_sampler: Literal["uniform", "loss-second-moment"] = "uniform"
    perceptual: Literal["vgg19", "lpips-vgg", "none"] | None = unless_default(None)
    network: dict[str, Any] = Field(default_factory=dict)
    diffusion: dict[str, Any] = Field(default_factory=dict)


class SegmenterTraining(Loop):
    """A segmenter to train: `method` is its architecture; `toy` its own scenes, by default those of the dataset."""

    method: str
    preset: str = "toy"
    seed: int = 0
    toy: Toy | None = None


class Data(Section):
    """A dataset of the suite: `root`, a folder in the official layout, or `toy`, scenes to render.

    dataset: by default the entry's name. segmenter: for mean IoU, in place of the protocol's: as `--segmenter` takes
    it, or one to train. metrics, protocols: of the suite's, those to measure here (default: all); with an empty list
    samples are made and shown, not measured. statistics, fd_infinity: for FID, captions: for the CLIP score, as
    `sdm-bench evaluate` takes them. optional: left out, and said to be, where nobody has said where it is.
    """

    dataset: str | None = None
    root: str | None = None
    toy: Toy | None = None
    split: str = "val"
    segmenter: str | SegmenterTraining | None = None
    metrics: tuple[str, ...] | None = None
    protocols: tuple[str, ...] | None = None
    statistics: str | None = None
    fd_infinity: bool = False
    captions: str | None = None
    optional: bool = False


class Sampling(Section):
    """How samples are made: the options of `sdm-bench generate` by their names.

    segmenter: of those that `guidance_by` has it guide; others are made without it.
    """

    solver: str | None = None
    solver_steps: int | None = Field(default=None, ge=2)
    timestep_respacing: str | None = None
    guidance: float | None = None
    eta: float | None = Field(default=None, ge=0, le=1)
    threshold: str | None = None
    precision: Precision | None = None
    batch_size: int | None = Field(default=None, ge=1)
    recipe: str | None = None
    style: Literal["ground-truth"] | None = None
    guidance_by: Literal["null-label", "segmenter"] | None = unless_default(None)
    segmenter: str | None = unless_default(None)


class Entry(Section):
    """A method of the suite; `method` is by default the entry's name. preset: of a training by default `toy`.

    checkpoint: as `--checkpoint` takes it, or `released` for the authors' file; without one it is trained: by `train`,
    or by a list of stages, each of which starts from the one before. factors: options of train or generate with
    several values each, which multiply. datasets: where it runs (default: everywhere). processes: for torchrun, a GPU
    each. process: fields of the diffusion preset in which a released checkpoint was trained otherwise.
    """

    method: str | None = None
    preset: str | None = None
    checkpoint: str | None = None
    raw: bool = False
    train: Stage | tuple[Stage, ...] | None = None
    generate: Sampling = Sampling()
    factors: dict[str, Factor] = Field(default_factory=dict)
    training_seeds: int | tuple[int, ...] | None = None
    datasets: tuple[str, ...] | None = None
    processes: int = Field(1, ge=1)
    process: dict[str, Any] = Field(default_factory=dict)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of its training, none of a checkpoint."""
        if self.train is None:
            return ()
        return (self.train,) if isinstance(self.train, Stage) else self.train


class Report(Section):
    """What `sdm-bench report` writes of the suite, by its options' names. published: `true` is `below`, as there.

    figures: none are drawn of an empty list. names: of methods, datasets and columns, what tables call them. factors:
    of table4. gallery: whether report/gallery.html is written.
    """

    tables: tuple[str, ...] = ("comparison",)
    published: Literal["beside", "below", "off"] = "off"
    figures: tuple[str, ...] | None = unless_default(None)
    names: dict[Literal["methods", "datasets", "columns"], dict[str, str]] = unless_default({})
    factors: tuple[str, ...] = unless_default(())
    accuracy: bool = unless_default(False)
    gallery: bool = unless_default(False)

    @field_validator("published", mode="before")
    @classmethod
    def _of_yes_and_no(cls, value: Any) -> Any:
        # YAML reads `off` as false
        return {True: "below", False: "off"}.get(value, value) if isinstance(value, bool) else value


class Suite(Section):
    """A whole table of experiments.

    factors: for every method that takes them; options of diffusion models pass GANs by. training_seeds: how many, from
    0 on, or which. sampling_seeds: like 0-9 or 0,4. exclude, only: conditions on dataset, method, training_seed, a
    factor, protocol or metric; a combination goes where all of one condition hold, or stays where all of one do.
    shards: into how many cells the samples of a set are divided. slurm: options of sbatch, for all cells and by kind.
    """

    name: Name
    summary: str = ""
    datasets: dict[Name, Data] = Field(min_length=1)
    methods: dict[Name, Entry] = Field(min_length=1)
    factors: dict[str, Factor] = Field(default_factory=dict)
    training_seeds: int | tuple[int, ...] = 1
    sampling_seeds: int | str = 0
    protocols: tuple[str, ...] = ("sdm-bench@1",)
    metrics: tuple[str, ...] = ("fid", "lpips", "miou")
    exclude: tuple[dict[str, Any], ...] = ()
    only: tuple[dict[str, Any], ...] = ()
    shards: int = Field(1, ge=1)
    report: Report = Report()
    slurm: dict[str, Any] = Field(default_factory=dict)


# Options of train, generate and evaluate that a suite says elsewhere, or can't: where it does, or why.
ELSEWHERE = {
    "init": "the stages of `train` start each from the one before; `checkpoint` takes weights that are trained already",
    "noisy": "train it by `sdm-bench segment train --noisy`, and name its run in `generate: {segmenter: ...}`",
    "seed": "`training_seeds` of the suite or the method",
    "seeds": "`sampling_seeds` of the suite",
    "shard": "`shards` of the suite",
    "variant": "the factors of a training make it",
    "data": "`root` of the dataset, or `sdm-bench run --data NAME=DIR`",
    "out": "`sdm-bench run --out`",
    "device": "`sdm-bench run --device`",
    **dict.fromkeys(
        ("path", "spade_cache", "channels_last", "compile"),
        "it changes samples by rounding alone, and a suite has one way; `sdm-bench generate` takes it",
    ),
    **dict.fromkeys(
        ("noise_schedule", "diffusion_steps", "rescale_timesteps", "predict_xstart", "sigma_small", "loss"),
        "a field of `diffusion` of a training, or of `process` of a checkpoint",
    ),
    "timestep_respacing": "of a training a field of `diffusion`, of samples one of `generate`",
    **dict.fromkeys(("no_learn_sigma", "channel_mult"), "a field of `network` of a training"),
    **dict.fromkeys(
        ("images", "name", "by_order", "resolution_note", "track"),
        "of somebody's pictures: `sdm-bench evaluate --images`, then `sdm-bench report SUITE.yaml RESULTS.csv`",
    ),
    "predictions": "a segmenter's predictions are kept in the cache",
    "allow_incomplete": "a suite measures whole sets alone",
}
NO_FACTORS = {"workers", "log_every", "save_every", "grid_every", "network", "diffusion"}
TRAIN_FACTORS = frozenset(Stage.model_fields) - NO_FACTORS
GENERATE_FACTORS = frozenset(Sampling.model_fields)
# Options that only diffusion models have.
OF_DIFFUSION = frozenset(
    (
        "solver",
        "solver_steps",
        "timestep_respacing",
        "guidance",
        "guidance_by",
        "segmenter",
        "eta",
        "threshold",
        "condition_dropout",
        "timestep_sampler",
    )
)
