"""Which timesteps of a schedule are kept, as `timestep_respacing` of the released code says it.

Source: WeilunWang/semantic-diffusion-model@7171f37, guided_diffusion/respace.py.
"""

import re

from sdm_bench.base.errors import UserError

SPACING = re.compile(r"ddim[0-9]{1,9}|[0-9]{1,9}(,[0-9]{1,9})*")


def check_spacing(spec: str, flag: str = "--timestep-respacing") -> str:
    """`spec`, if it is spelt as space_timesteps takes it; raises UserError."""
    if SPACING.fullmatch(spec) is None:
        raise UserError(f"{flag} {spec!r}: expected counts of sections like 25 or 10,15,20, or ddim25")
    return spec


def space_timesteps(num_timesteps: int, spec: str) -> list[int]:
    """The kept timesteps, sorted: `ddimN` for N evenly strided ones, or counts of equal sections such as `10,15,20`.

    Raises UserError for another spelling, when no integer stride gives N steps, and where a section has fewer timesteps
    than asked for.
    """
    check_spacing(spec)
    if spec.startswith("ddim"):
        return _strided(num_timesteps, int(spec.removeprefix("ddim")))
    counts = [int(count) for count in spec.split(",")]
    size, extra = divmod(num_timesteps, len(counts))
    kept: set[int] = set()
    start = 0
    for section, count in enumerate(counts):
        length = size + (section < extra)
        kept.update(start + offset for offset in _spread(length, count))
        start += length
    return sorted(kept)


def _strided(num_timesteps: int, count: int) -> list[int]:
    for stride in range(1, num_timesteps):
        kept = range(0, num_timesteps, stride)
        if len(kept) == count:
            return list(kept)
    raise UserError(f"no integer stride takes {count} of {num_timesteps} timesteps; try another number of steps")


def _spread(length: int, count: int) -> list[int]:
    if count > length:
        raise UserError(f"cannot take {count} steps from {length} timesteps; ask for at most {length}")
    stride = 1.0 if count <= 1 else (length - 1) / (count - 1)
    # Added up rather than multiplied: the reference accumulates, and the sums decide ties of the rounding.
    position, positions = 0.0, []
    for _ in range(count):
        positions.append(round(position))
        position += stride
    return positions
