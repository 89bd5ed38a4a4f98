"""Networks of the `transformers` library, which is an extra, filled with tensors of published files."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from torch import nn

from sdm_bench.base.errors import UserError
from sdm_bench.base.tensors import Differences, Tensors

EXTRA = "vit"


def transformers_library(what: str = "vision transformers") -> ModuleType:
    """The library; raises UserError that names the extra and `what` needs it."""
    try:
        return importlib.import_module("transformers")
    except ImportError as error:
        raise UserError(
            f"{what} need the library `transformers` ({error}): pip install 'sdm-bench[{EXTRA}]'"
        ) from error


def transformers_network(model: Any, config: Any, tensors: Tensors, source: str) -> nn.Module:
    """A network of the class `model` with exactly `tensors`, under the names of published files.

    config: an object of its configuration. source: whose tensors these are. Raises UserError for tensors of another
    network.
    """
    with _quiet(transformers_library()):
        # the library knows which of its names differ from those in published files, and draws what is missing at random
        network, report = model.from_pretrained(
            None,
            config=config,
            state_dict=tensors,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    shapes = [f"{key} (file {tuple(a)}, network {tuple(b)})" for key, a, b in sorted(report["mismatched_keys"])]
    found = Differences(sorted(report["missing_keys"]), sorted(report["unexpected_keys"]), shapes, [])
    if found:
        raise UserError(f"{source}: these are not the weights of {model.__name__}:\n{found.text()}")
    built: nn.Module = network
    return built


@contextmanager
def _quiet(library: ModuleType) -> Iterator[None]:
    """Without the library's progress bar and its report, which the caller makes into an error."""
    logging = library.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
