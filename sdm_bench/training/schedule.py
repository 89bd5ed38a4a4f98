"""The schedule of the learning rate is a part of a run: it is written down at the start and holds for every resume."""

from dataclasses import replace

from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import say
from sdm_bench.checkpoints.runs import TrainingRun, TrainOptions
from sdm_bench.training.loop import LoopOptions


def scheduled(options: TrainOptions, loop: LoopOptions, run: TrainingRun) -> tuple[TrainOptions, LoopOptions]:
    """The options with their schedule, and the loop's, which end no later than it.

    A rate that decays does so over --steps or, with --budget alone, over the share of that time which is spent. What
    was recorded when the run was started holds: fewer steps stop earlier on the same schedule. Raises UserError for a
    longer one, which the rate, zero by then, would waste. A constant rate has no schedule.
    """
    if options.training.decay_from is None:
        return options, loop
    if options.schedule_steps is None and options.schedule_minutes is None:
        recorded = _recorded(run)
        options = options.model_copy(update=recorded or _asked(loop))
        if recorded:
            run.refuse_other(options)
    steps, minutes = options.schedule_steps, options.schedule_minutes
    if steps is not None:
        if loop.steps is not None and loop.steps > steps:
            raise _too_long(run, f"--steps {loop.steps}", f"step {steps}", f"--steps {steps}")
        return options, replace(loop, steps=loop.steps or steps)
    assert minutes is not None
    if loop.budget_minutes is not None and loop.budget_minutes > minutes:
        raise _too_long(run, f"--budget {loop.budget_minutes:g}", f"minute {minutes:g}", f"--budget {minutes:g}")
    return options, replace(loop, budget_minutes=loop.budget_minutes or minutes)


def progress(options: TrainOptions, step: int, seconds: float) -> float:
    """The share of the schedule, 0 to 1, that is over at the start of a step; 0 of a constant rate."""
    if options.schedule_steps is not None:
        return min(1.0, step / options.schedule_steps)
    if options.schedule_minutes:
        return min(1.0, seconds / (60 * options.schedule_minutes))
    return 0.0


def _recorded(run: TrainingRun) -> dict[str, float | None] | None:
    """The schedule of the run that is there, None where there is none, or it was started by an older version."""
    if not run.exists:
        return None
    there = run.options()
    if there.schedule_steps is None and there.schedule_minutes is None:
        say(f"{run.folder}: an older version started this run without writing its schedule down; this command's holds")
        return None
    return {"schedule_steps": there.schedule_steps, "schedule_minutes": there.schedule_minutes}


def _asked(loop: LoopOptions) -> dict[str, float | None]:
    if loop.steps is not None:
        return {"schedule_steps": loop.steps, "schedule_minutes": None}
    return {"schedule_steps": None, "schedule_minutes": loop.budget_minutes}


def _too_long(run: TrainingRun, asked: str, end: str, fitting: str) -> UserError:
    return UserError(
        f"{asked}: the learning rate of {run.folder} falls to zero at {end}, as its train.json records; expected "
        f"{fitting} or less. To train longer, start another run with --init {run.folder}"
    )
