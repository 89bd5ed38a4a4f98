"""The schedule of the learning rate is a part of a run: it is written down at the start and holds for every resume."""

from dataclasses import dataclass, replace

from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import say
from sdm_bench.checkpoints.runs import TrainingRun, TrainOptions
from sdm_bench.training.loop import LoopOptions, Spent


@dataclass(frozen=True)
class Measure:
    """What a schedule goes over: its names among the options of a run and of the loop, its flag, its unit in words."""

    recorded: str
    asked: str
    flag: str
    unit: str


# The first that a command gives is the schedule's.
MEASURES = (
    Measure("schedule_steps", "steps", "--steps", "step"),
    Measure("schedule_minutes", "budget_minutes", "--budget", "minute"),
    Measure("schedule_core_minutes", "core_budget_minutes", "--core-budget", "core-minute"),
)


def scheduled(options: TrainOptions, loop: LoopOptions, run: TrainingRun) -> tuple[TrainOptions, LoopOptions]:
    """The options with their schedule, and the loop's, which end no later than it.

    A rate that decays does so over --steps or, with --budget or --core-budget alone, over the share of that time which
    is spent. What was recorded when the run was started holds: fewer steps stop earlier on the same schedule. Raises
    UserError for a longer one, which the rate, zero by then, would waste. A constant rate has no schedule.
    """
    if options.training.decay_from is None:
        return options, loop
    if _measure(options) is None:
        recorded = _recorded(run)
        options = options.model_copy(update=recorded or _asked(loop))
        if recorded:
            run.refuse_other(options)
    measure = _measure(options)
    assert measure is not None
    end, asked = getattr(options, measure.recorded), getattr(loop, measure.asked)
    if asked is not None and asked > end:
        raise UserError(
            f"{measure.flag} {asked:g}: the learning rate of {run.folder} falls to zero at {measure.unit} {end:g}, as "
            f"its train.json records; expected {measure.flag} {end:g} or less. To train longer, start another run with "
            f"--init {run.folder}"
        )
    return options, replace(loop, **{measure.asked: asked or end})


def progress(options: TrainOptions, spent: Spent) -> float:
    """The share of the schedule, 0 to 1, that is over at the start of a step; 0 of a constant rate."""
    if options.schedule_steps is not None:
        return min(1.0, spent.step / options.schedule_steps)
    if options.schedule_minutes:
        return min(1.0, spent.seconds / (60 * options.schedule_minutes))
    if options.schedule_core_minutes:
        # a run without its CPU time is refused before
        assert spent.core_seconds is not None
        return min(1.0, spent.core_seconds / (60 * options.schedule_core_minutes))
    return 0.0


def _measure(options: TrainOptions) -> Measure | None:
    return next((each for each in MEASURES if getattr(options, each.recorded) is not None), None)


def _recorded(run: TrainingRun) -> dict[str, float | None] | None:
    """The schedule of the run that is there, None where there is none, or it was started by an older version."""
    if not run.exists:
        return None
    there = run.options()
    if _measure(there) is None:
        say(f"{run.folder}: an older version started this run without writing its schedule down; this command's holds")
        return None
    return {each.recorded: getattr(there, each.recorded) for each in MEASURES}


def _asked(loop: LoopOptions) -> dict[str, float | None]:
    first = next(each for each in MEASURES if getattr(loop, each.asked) is not None)
    return {each.recorded: getattr(loop, each.asked) if each is first else None for each in MEASURES}
