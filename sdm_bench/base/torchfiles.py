"""The weights in PyTorch's files, without running anything that the files hold."""

import pickle
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sdm_bench.base.filekinds import RefusedFile, is_zip, refuse_no_weights, refuse_other_kinds, unpacked_limit
from sdm_bench.base.pickles import load_checkpoint
from sdm_bench.base.progress import say

Tensors = dict[str, Tensor]

# Where training programs put the weights inside a checkpoint, and where the average of them over the training.
NESTED = ("state_dict", "model", "model_state_dict", "params", "module")
AVERAGED = ("state_dict_ema", "model_ema", "ema_state_dict", "ema", "params_ema", "netG_ema", "g_ema", "G_ema")
# What a generator is called beside its discriminator.
GENERATOR = ("netG", "G", "generator", "gen", "net_g")
# Where an average's own object puts its weights.
INSIDE = ("state_dict", "module", "shadow", "shadow_params", "ema", "model")
# What wrappers put before every key, and what averages keep beside the weights.
PREFIXES = ("module.", "netE.", *(f"{name}." for name in GENERATOR))
# What Lightning's users call their network. Numbers behind it are of a network's own sequence of that name, as
# pix2pixHD's generator is.
MODEL = re.compile(r"model\.(?![0-9])")
# What wrappers of single modules put into keys, wherever these modules are.
INFIXES = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")
AVERAGE_COUNTERS = ("n_averaged", "steps", "num_updates", "decay")
# Nested dictionaries deeper than this, or with more leaves, are no state dict.
DEEPEST, MOST_LEAVES = 30, 200_000
NAMED = 5


def read_torch(path: Path, raw: bool = False) -> Tensors:
    """The state dict of a PyTorch file, which may lie inside a checkpoint; raises RefusedFile with the reason.

    Where a checkpoint holds weights and their average over the training, a line says which are taken: the average, or
    with `raw` the others; of a generator and other networks the generator. What wrappers put into keys is left out.
    """
    refuse_no_weights(path)
    try:
        if is_zip(path):
            refuse_other_kinds(path)
        value = _load(path)
        tensors = bare(generator_of(path, believable(path, flatten(_state_dict(value, path, raw)))))
    except RefusedFile:
        raise
    except Exception as error:  # a damaged file fails in as many ways as there are bytes
        refuse_other_kinds(path)
        raise RefusedFile(f"{path}: not a PyTorch file of plain tensors: {reason(error)}") from error
    if not tensors:
        raise RefusedFile(f"{path}: no tensors found; expected a state dict")
    return tensors


def _load(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            # a pickle of another protocol is read all the same, or refused
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            # a stream: of a path torch looks at the ending
            with path.open("rb") as stream:
                return torch.load(stream, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        # other objects than tensors in it
        return load_checkpoint(path)


def flatten(tree: Any) -> Tensors:
    """The tensors and arrays in nested dictionaries by dotted path; other leaves are left out.

    Raises RefusedFile for dictionaries that are nested without end.
    """
    found: Tensors = {}
    for name, value in _leaves(tree, "", 0):
        found[name] = value
        if len(found) > MOST_LEAVES:
            raise RefusedFile(f"more than {MOST_LEAVES} tensors; expected a state dict")
    return found


def _leaves(tree: Any, prefix: str, depth: int) -> Iterator[tuple[str, Tensor]]:
    if depth > DEEPEST:
        raise RefusedFile(f"dictionaries nested more than {DEEPEST} deep; expected a state dict")
    if isinstance(tree, Tensor):
        yield prefix, tree.detach()
    elif isinstance(tree, np.ndarray):
        yield prefix, torch.from_numpy(np.array(tree))
    elif isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _leaves(value, f"{prefix}.{key}" if prefix else str(key), depth + 1)


def believable(path: Path, tensors: Tensors) -> Tensors:
    """The tensors; raises RefusedFile where they are no plain ones, or views that would take far more than they hold.

    A view can repeat one number as often as it says, and takes the memory when it is copied.
    """
    for name, value in tensors.items():
        if value.layout != torch.strided or value.device.type != "cpu":
            raise RefusedFile(f"{path}: {name} is no plain tensor: {value.layout}, {value.device}")
    wanted = sum(value.numel() * value.element_size() for value in tensors.values())
    if wanted > unpacked_limit(path):
        raise RefusedFile(f"{path}: tensors of {wanted / 1e9:.1f} GB in a file of {path.stat().st_size} bytes")
    return tensors


def generator_of(path: Path, tensors: Tensors) -> Tensors:
    """The generator's tensors alone, where those of other networks stand beside them; a line says so."""
    for name in GENERATOR:
        own = {key: value for key, value in tensors.items() if key.startswith(f"{name}.")}
        if own and len(own) < len(tensors):
            others = dict.fromkeys(key.partition(".")[0] for key in tensors if key not in own)
            say(f"{path}: taken: {name}; beside it {', '.join([*others][:NAMED])}{', ...' * (len(others) > NAMED)}")
            return own
    return tensors


def bare(tensors: Tensors) -> Tensors:
    """A state dict without the prefixes that wrappers put before every key, and the names that they put into keys."""
    named = {key: value for key, value in tensors.items() if key not in AVERAGE_COUNTERS or value.numel() > 1}
    stripped = {_without_infixes(key): value for key, value in named.items()}
    while prefix := _shared_prefix(stripped):
        stripped = {key.removeprefix(prefix): value for key, value in stripped.items()}
    return tensors if [*stripped] == [*named] else stripped


def _shared_prefix(tensors: Tensors) -> str:
    """What a wrapper put before every key; empty where there is nothing."""
    if tensors and all(MODEL.match(key) for key in tensors):
        return "model."
    return next((each for each in PREFIXES if tensors and all(key.startswith(each) for key in tensors)), "")


def _without_infixes(key: str) -> str:
    for infix in INFIXES:
        key = key.replace(infix, "")
    return key


def _state_dict(value: Any, path: Path, raw: bool) -> Any:
    """The weights of a checkpoint: those inside it, of several kinds the average unless `raw`."""
    if not isinstance(value, Mapping):
        return value
    plain = [value[key] for key in NESTED if isinstance(value.get(key), Mapping) and value[key]]
    trained = plain or [value[key] for key in GENERATOR if _holds_tensors(value.get(key))]
    averages = {key: _inside(value[key]) for key in AVERAGED if _holds_tensors(_inside(value.get(key)))}
    if averages and (trained or raw):
        name, average = next(iter(averages.items()))
        if not trained:
            raise RefusedFile(f"{path}: --raw: only averaged weights ({name}) in it")
        taken = "the weights as trained" if raw else f"the averaged weights ({name}); --raw takes those as trained"
        say(f"{path}: weights of two kinds in it; taken: {taken}")
        return trained[0] if raw else average
    if raw:
        raise RefusedFile(f"{path}: --raw: weights of one kind in it, no average beside them")
    nameless = next((key for key in AVERAGED if trained and isinstance(value.get(key), Mapping) and value[key]), "")
    if nameless and not averages:
        say(f"{path}: taken: the weights as trained; their average ({nameless}) has no names of tensors")
    return next(iter([*averages.values(), *plain]), value)


def _inside(average: Any) -> Any:
    nested = [average[key] for key in INSIDE if isinstance(average, Mapping) and _holds_tensors(average.get(key))]
    return nested[0] if nested else average


def _holds_tensors(value: Any) -> bool:
    return isinstance(value, Mapping) and any(isinstance(each, Tensor | np.ndarray) for each in value.values())


def reason(error: Exception) -> str:
    """The first sentence that says something; torch's own message goes on to recommend unsafe loading."""
    lines = [line.strip() for line in str(error).splitlines() if "Unsupported" in line or "GLOBAL" in line]
    text = lines[0] if lines else (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {text[:200]}"
