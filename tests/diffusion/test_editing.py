"""RePaint's moves and merges against counts, closed forms and diffusers' scheduler where that can agree."""

import itertools
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch
from diffusers import RePaintScheduler
from torch import Tensor

from sdm_bench.base.errors import UserError
from sdm_bench.diffusion.editing import Inpainting, Known, Move, forward_step, inpaint, jump_schedule, noisy
from sdm_bench.diffusion.gaussian_diffusion import extract_at_timestep, make_schedule
from sdm_bench.diffusion.guidance import Pull
from sdm_bench.diffusion.solvers import Solver, solve, walk_of

FULL = make_schedule("linear", 1000)
SHAPE = (2, 3, 6, 5)
SOLVERS = ("ddpm", "ddim", "dpm-solver++", "dpm-solver++-sde", "unipc")


def known() -> Known:
    generator = torch.Generator().manual_seed(3)
    erased = torch.zeros(2, 1, 6, 5, dtype=torch.bool)
    erased[0, :, 1:4, 1:3] = True
    erased[1, :, 2:, 2:] = True
    return Known(torch.rand(SHAPE, generator=generator) * 2 - 1, erased)


def noises(seed: int = 0) -> Callable[[], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(SHAPE, generator=generator)


def oracle(x_start: Tensor):  # type: ignore[no-untyped-def]
    """A denoiser that knows x_0."""

    def denoise(x_t: Tensor, timestep: Tensor) -> Tensor:
        cumulative = extract_at_timestep(FULL.alphas_cumprod, timestep, x_t)
        eps = (x_t - cumulative.sqrt() * x_start) / (1 - cumulative).sqrt()
        return torch.cat([eps, torch.zeros_like(eps)], 1)

    return denoise


def recorded(shown: list[tuple[int, Tensor]]):  # type: ignore[no-untyped-def]
    """A denoiser that keeps its inputs and finds half of them noise."""

    def denoise(x_t: Tensor, timestep: Tensor) -> Tensor:
        shown.append((int(timestep), x_t.clone()))
        return torch.cat([0.5 * x_t, torch.zeros_like(x_t)], 1)

    return denoise


@pytest.mark.parametrize(
    ("timesteps", "length", "samples", "reverse", "forward"),
    [
        (250, 10, 10, 2410, 2160),
        (250, 10, 5, 1210, 960),
        (100, 10, 10, 910, 810),
        (25, 1, 4, 97, 72),
        (6, 10, 10, 6, 0),
    ],
)
def test_moves_are_as_many_as_the_released_code_makes(
    timesteps: int, length: int, samples: int, reverse: int, forward: int
) -> None:
    moves = jump_schedule(timesteps, length, samples)
    assert Counter(move.reverse for move in moves) == Counter({True: reverse, False: forward})
    assert Inpainting("after", length, samples).evaluations(timesteps) == reverse
    assert moves[0].start == timesteps - 1
    assert moves[-1] == Move(0, -1)
    assert all(before.end == after.start for before, after in itertools.pairwise(moves))


@pytest.mark.parametrize(("timesteps", "length", "samples"), [(250, 10, 10), (40, 7, 3), (20, 1, 2)])
def test_moves_pass_the_places_that_diffusers_passes(timesteps: int, length: int, samples: int) -> None:
    theirs = RePaintScheduler(num_train_timesteps=timesteps)
    theirs.set_timesteps(timesteps, length, samples)
    places = [move.start for move in jump_schedule(timesteps, length, samples)]
    assert places == theirs.timesteps.tolist()


def test_jumps_of_one_are_algorithm_1() -> None:
    """U times from each x_t to x_{t-1}, but for the last step to the picture."""
    moves = Counter(jump_schedule(5, 1, 3))
    assert moves == {Move(4, 3): 3, Move(3, 2): 3, Move(2, 1): 3, Move(1, 0): 3, Move(0, -1): 1} | {
        Move(place, place + 1): 2 for place in range(4)
    }


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("merge", ["after", "before"])
def test_with_the_true_noise_the_erased_part_is_found(name: str, merge: str) -> None:
    each, solver = known(), Solver(name, 10)
    truth = torch.where(each.erased, -each.source, each.source)
    states = list(inpaint(solver, solver.schedule(FULL), oracle(truth), each, noises(), Inpainting(merge)))
    assert len(states) == 10
    assert torch.allclose(states[-1].sample, truth, atol=2e-3)


@pytest.mark.parametrize("name", SOLVERS)
def test_merged_after_the_outside_is_the_source_to_the_bit_and_before_it_is_not(name: str) -> None:
    each, solver = known(), Solver(name, 4)
    outside = ~each.erased.expand(SHAPE)
    for merge, equal in (("after", True), ("before", False)):
        *_, last = inpaint(solver, solver.schedule(FULL), recorded([]), each, noises(), Inpainting(merge))
        assert torch.equal(last.sample[outside], each.source[outside]) == equal
        assert not torch.allclose(last.sample[each.erased.expand(SHAPE)], each.source[each.erased.expand(SHAPE)])


@pytest.mark.parametrize("name", SOLVERS)
def test_walked_once_both_merges_make_the_same_inside(name: str) -> None:
    each, solver = known(), Solver(name, 4)
    inside = each.erased.expand(SHAPE)

    def ended(how: Inpainting) -> Tensor:
        *_, last = inpaint(solver, solver.schedule(FULL), recorded([]), each, noises(), how)
        return last.sample[inside]

    assert torch.equal(ended(Inpainting("after")), ended(Inpainting("before")))
    if name in ("ddpm", "ddim"):
        assert not torch.allclose(ended(Inpainting("after", 1, 2)), ended(Inpainting("before", 1, 2)))


def test_the_known_part_is_as_noisy_as_the_timestep_that_it_reaches() -> None:
    """Merged after, the network at t sees q(x_t | x_0) outside; its spread is the root of 1 - alpha_bar."""
    source, erased = torch.full((1, 3, 64, 64), 0.5), torch.zeros(1, 1, 64, 64, dtype=torch.bool)
    generator = torch.Generator().manual_seed(0)
    noise = lambda: torch.randn(source.shape, generator=generator)  # noqa: E731
    for merge in ("after", "before"):
        shown: list[tuple[int, Tensor]] = []
        solver = Solver("ddpm", 5)
        list(inpaint(solver, solver.schedule(FULL), recorded(shown), Known(source, erased), noise, Inpainting(merge)))
        for timestep, x_t in shown[1:]:
            cumulative = FULL.alphas_cumprod[timestep]
            assert float(x_t.mean()) == pytest.approx(0.5 * np.sqrt(cumulative), abs=0.03)
            assert float(x_t.std()) == pytest.approx(np.sqrt(1 - cumulative), rel=0.03)


def test_merged_before_the_first_evaluation_sees_noise_alone() -> None:
    shown: list[tuple[int, Tensor]] = []
    solver, first = Solver("ddpm", 3), noises()()
    list(inpaint(solver, solver.schedule(FULL), recorded(shown), known(), noises(), Inpainting("before")))
    assert torch.equal(shown[0][1], first)


@pytest.mark.parametrize("name", SOLVERS)
def test_with_everything_erased_it_is_sampling(name: str) -> None:
    """The same start and, for solvers without fresh noise, the same picture."""
    each, solver = known(), Solver(name, 4)
    whole = Known(each.source, torch.ones_like(each.erased))
    schedule = solver.schedule(FULL)
    *_, plain = solve(solver, schedule, recorded([]), noises()(), lambda: torch.zeros(SHAPE))
    draws = iter([noises()()])
    noise = lambda: next(draws, torch.zeros(SHAPE))  # noqa: E731
    *_, edited = inpaint(solver, schedule, recorded([]), whole, noise, Inpainting())
    assert torch.equal(plain.sample, edited.sample)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("timestep", [39, 10, 1, 0])
def test_a_step_is_that_of_diffusers_where_both_parts_share_a_noise(
    eta: float, timestep: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Theirs is DDIM's with the network's own noise and one fresh noise for both parts."""
    each, solver, schedule = known(), Solver("ddim", 40, eta, "none"), make_schedule("linear", 40)
    theirs = RePaintScheduler(num_train_timesteps=40, trained_betas=schedule.betas, eta=eta, clip_sample=False)
    theirs.set_timesteps(40, 5, 2)
    x_t, output, fresh = (noises(seed)() for seed in (1, 2, 3))
    state = walk_of(solver, schedule).step(lambda x, t: output, x_t, timestep, lambda: fresh)
    ours = each.merged(schedule, state.sample, timestep - 1, fresh)
    monkeypatch.setattr("diffusers.schedulers.scheduling_repaint.randn_tensor", lambda *args, **kwargs: fresh)
    expected = theirs.step(output, timestep, x_t, each.source, (~each.erased).float())
    assert torch.allclose(ours, expected.prev_sample.float(), atol=1e-4)
    assert torch.allclose(state.x_start, expected.pred_original_sample.float(), atol=1e-4)


def test_the_learned_variance_is_used_where_diffusers_has_none() -> None:
    """Of ancestral steps: values of 1 spread more than values of -1, by the root of beta to beta_tilde."""
    schedule, solver = make_schedule("linear", 40), Solver("ddpm", 40)
    x_t, fresh = torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)
    spread = [
        walk_of(solver, schedule).step(
            lambda x, t, value=value: torch.cat([torch.zeros_like(x), torch.full_like(x, value)], 1),
            x_t, 5, lambda: fresh,
        ).sample
        for value in (1.0, -1.0)
    ]  # fmt: skip
    ratio = np.sqrt(schedule.betas[5] / schedule.posterior_variance[5])
    assert torch.allclose(spread[0], spread[1] * ratio, rtol=1e-5)


def test_a_forward_step_is_that_of_diffusers(monkeypatch: pytest.MonkeyPatch) -> None:
    schedule, (sample, fresh) = make_schedule("linear", 40), (noises(seed)() for seed in (1, 2))
    theirs = RePaintScheduler(num_train_timesteps=40, trained_betas=schedule.betas)
    theirs.set_timesteps(40, 5, 2)
    monkeypatch.setattr("diffusers.schedulers.scheduling_repaint.randn_tensor", lambda *args, **kwargs: fresh)
    assert torch.allclose(forward_step(schedule, sample, 7, fresh), theirs.undo_step(sample, 7).float(), atol=1e-6)


def test_forward_steps_end_where_the_closed_form_does() -> None:
    """x_t of x_0 by single steps has the mean sqrt(alpha_bar) x_0 and the spread sqrt(1 - alpha_bar)."""
    schedule, generator = make_schedule("linear", 50), torch.Generator().manual_seed(0)
    sample = torch.full((1, 1, 100, 100), 2.0)
    for timestep in range(30):
        sample = forward_step(schedule, sample, timestep, torch.randn(sample.shape, generator=generator))
    cumulative = schedule.alphas_cumprod[29]
    assert float(sample.mean()) == pytest.approx(2 * np.sqrt(cumulative), abs=0.04)
    assert float(sample.std()) == pytest.approx(np.sqrt(1 - cumulative), rel=0.04)


def test_jumps_evaluate_the_network_at_every_move_and_end_at_the_truth() -> None:
    each, solver = known(), Solver("ddpm", 12)
    truth = torch.where(each.erased, -each.source, each.source)
    shown: list[int] = []
    find = oracle(truth)

    def denoise(x_t: Tensor, timestep: Tensor) -> Tensor:
        shown.append(int(timestep))
        return find(x_t, timestep)

    how, schedule = Inpainting("after", 3, 4), solver.schedule(FULL)
    states = list(inpaint(solver, schedule, denoise, each, noises(), how))
    reverse = [move.start for move in jump_schedule(12, 3, 4) if move.reverse]
    assert shown == schedule.timestep_map[reverse].tolist()
    assert len(states) == how.evaluations(12) == len(reverse) == 12 + 3 * 3 * 3
    assert torch.allclose(states[-1].sample, truth, atol=2e-3)


@pytest.mark.parametrize("name", SOLVERS)
def test_strength_walks_the_last_timesteps_from_the_source_with_noise(name: str) -> None:
    each, solver, shown = known(), Solver(name, 8), list[tuple[int, Tensor]]()
    schedule = solver.schedule(FULL)
    everything: list[tuple[int, Tensor]] = []
    list(inpaint(solver, schedule, recorded(everything), each, noises(), Inpainting()))
    list(inpaint(solver, schedule, recorded(shown), each, noises(), Inpainting(strength=0.4)))
    assert [timestep for timestep, _ in shown] == [timestep for timestep, _ in everything][-3:]
    first, x_t = shown[0]
    cumulative = FULL.alphas_cumprod[first]
    expected = np.sqrt(cumulative) * each.source + np.sqrt(1 - cumulative) * noises()()
    assert torch.allclose(x_t, expected.float(), atol=1e-5)


def test_noise_at_the_clean_end_is_none() -> None:
    source = known().source
    assert torch.equal(noisy(FULL, source, -1, noises()()), source)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"merge": "during"}, "merge"),
        ({"jump_length": 0}, "--jump-length 0"),
        ({"jump_samples": 0}, "--jump-samples 0"),
        ({"strength": 0.0}, "--strength 0"),
        ({"strength": 1.5}, "--strength 1.5"),
    ],
)
def test_what_no_edit_can_be_is_refused(fields: dict[str, object], expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        Inpainting(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["dpm-solver++", "dpm-solver++-sde", "unipc"])
def test_multistep_solvers_do_not_jump(name: str) -> None:
    solver = Solver(name, 4)
    steps = inpaint(solver, FULL, recorded([]), known(), noises(), Inpainting("after", 2, 2))
    with pytest.raises(UserError, match=r"--jump-samples 2: .*ddpm and ddim can jump"):
        next(steps)


@pytest.mark.parametrize("name", ["ddpm", "ddim"])
def test_guidance_by_a_classifier_moves_the_erased_part_alone(name: str) -> None:
    each, solver = known(), Solver(name, 4)
    schedule = solver.schedule(FULL)

    def ended(pull: Pull | None) -> Tensor:
        *_, last = inpaint(solver, schedule, recorded([]), each, noises(), Inpainting(), pull)
        return last.sample

    moved = ended(lambda x_t, t: torch.full_like(x_t, 0.5)) - ended(None)
    inside = each.erased.expand(SHAPE)
    assert (moved[inside] > 0).float().mean() > 0.8
    assert (moved[~inside] == 0).all()


def test_guidance_by_a_classifier_is_refused_for_multistep_solvers() -> None:
    steps = inpaint(Solver("unipc", 4), FULL, recorded([]), known(), noises(), Inpainting(), lambda x_t, t: x_t)
    with pytest.raises(UserError, match="--solver unipc: guidance by a segmenter"):
        next(steps)
