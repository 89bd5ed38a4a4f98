"""A guided SDM step of middling size, plain against fast: python -m tests.benchmarks.guided_step [PAIRS]

64x64 pixels, two pictures, 64 channels, 151 classes, the ADE20K preset otherwise.
"""

import os
import sys

os.environ.setdefault("KINETO_LOG_LEVEL", "99")

from sdm_bench.benchmarks.sampling import benchmark_steps, random_network
from sdm_bench.sampling.synthesizers import Speed


def main(pairs: int) -> None:
    """Prints the table for every mode of the modulation cache."""
    network, _ = random_network("sdm", "paper", "ade20k", {"model_channels": 64})
    for cache in ("full", "shared", "off"):
        print(f"--spade-cache {cache}")
        table = benchmark_steps(network, (64, 64), 2, 1.5, pairs, [25, 1000], speed=Speed(spade_cache=cache))
        print(table.to_string(index=False))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
