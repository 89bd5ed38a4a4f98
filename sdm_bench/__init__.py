"""Semantic image synthesis, trained, sampled and measured under named protocols.

What Python programs and notebooks call, each the same as a command does; all of it is imported when it is first used:

* `datasets.open`: a split of a dataset; `write_toy`: toy scenes.
* `load`: a trained network that makes a picture of a label map.
* `fid`, `lpips_diversity`, `miou`: one number; `evaluate`: rows of several, as a table; `difference`: in what sets of
  pictures differ, with intervals.

What is wrong with an argument is a `UserError`.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Threads that spin while they wait make torch some fifteen times slower once another program uses one of the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from sdm_bench import datasets
    from sdm_bench.api.differences import difference
    from sdm_bench.api.numbers import Number, fid, lpips_diversity, miou
    from sdm_bench.api.rows import NotComputed, Rows, evaluate
    from sdm_bench.api.synthesis import LoadedMethod, load
    from sdm_bench.base.errors import UserError
    from sdm_bench.toy import write_toy

__all__ = [
    "LoadedMethod",
    "NotComputed",
    "Number",
    "Rows",
    "UserError",
    "__version__",
    "datasets",
    "difference",
    "evaluate",
    "fid",
    "load",
    "lpips_diversity",
    "miou",
    "write_toy",
]

# By name: the module that has it.
_MODULES = {
    "difference": "sdm_bench.api.differences",
    "Number": "sdm_bench.api.numbers",
    "fid": "sdm_bench.api.numbers",
    "lpips_diversity": "sdm_bench.api.numbers",
    "miou": "sdm_bench.api.numbers",
    "NotComputed": "sdm_bench.api.rows",
    "Rows": "sdm_bench.api.rows",
    "evaluate": "sdm_bench.api.rows",
    "LoadedMethod": "sdm_bench.api.synthesis",
    "load": "sdm_bench.api.synthesis",
    "UserError": "sdm_bench.base.errors",
    "write_toy": "sdm_bench.toy",
}


def __getattr__(name: str) -> Any:
    if name == "datasets":
        return import_module("sdm_bench.datasets")
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
