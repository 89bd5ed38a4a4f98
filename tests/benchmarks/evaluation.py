"""Features and the Fréchet distance beside the reference packages: python -m tests.benchmarks.evaluation FOLDER [LIMIT]

FOLDER holds pictures, all of one size for pytorch-fid and torch-fidelity; Inception's weights are those of the cache.
LIMIT: seconds after which a distance is given up. For a single thread set OMP_NUM_THREADS=1.
"""

import sys
from pathlib import Path

from sdm_bench.evaluation_speed import LIMIT_SECONDS, extraction_speed, frechet_speed
from sdm_bench.weights.store import require

INCEPTION = "inception-2015-12-05"


def main(folder: Path, limit: float) -> None:
    """Prints both tables."""
    print(extraction_speed(folder, require([INCEPTION])[INCEPTION]).to_string(index=False))
    print(frechet_speed(limit=limit).to_string(index=False))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else LIMIT_SECONDS)
