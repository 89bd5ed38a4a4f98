"""Which switches change the kernels that numbers come from: `python -m tests.processors` shows it on this machine.

Each setting runs a few operations in a process of its own and prints a digest of each result's bits. Where two settings
print the same digest, the switch changes nothing here.
"""

import hashlib
import os
import subprocess
import sys

# Environment by setting. MKL decides for itself unless it is told; OpenBLAS is NumPy's and SciPy's.
SETTINGS: dict[str, dict[str, str]] = {
    "this machine's own": {},
    "no vector extensions in ATen": {"ATEN_CPU_CAPABILITY": "default"},
    "AVX2 in ATen": {"ATEN_CPU_CAPABILITY": "avx2"},
    "AVX2 in ATen and oneDNN": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "AVX2 everywhere": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
    },
    "MKL's compatible branch": {"MKL_CBWR": "COMPATIBLE"},
    "two threads": {"SDM_BENCH_TEST_THREADS": "2"},
}


def digests() -> dict[str, str]:
    """Of the bits of a few results, by operation, and what ATen says of the processor."""
    import numpy as np
    import torch
    from torch.nn import functional as F

    torch.set_num_threads(int(os.environ.get("SDM_BENCH_TEST_THREADS", "1")))
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    rows = np.random.default_rng(0).normal(size=(300, 200))
    results = {
        "convolution": F.conv2d(drawn(2, 16, 32, 32), drawn(32, 16, 3, 3), padding=1),
        "matrix product": drawn(7, 300) @ drawn(300, 50),
        "sum of exponentials": drawn(1000, 37).exp().sum(1),
        "group norm": F.group_norm(drawn(2, 32, 16, 16), 8),
        "eigenvalues": torch.linalg.eigvalsh(torch.from_numpy(rows.T @ rows)),
        "NumPy's product": torch.from_numpy(rows.T @ rows),
    }
    found = {name: hashlib.sha256(value.numpy().tobytes()).hexdigest()[:8] for name, value in results.items()}
    return {"ATen": torch.backends.cpu.get_cpu_capability(), **found}


def digests_under(setting: str) -> dict[str, str]:
    """The digests in a process of its own under a setting."""
    environment = {**os.environ, **SETTINGS[setting]}
    command = [sys.executable, "-m", "tests.processors", "--one"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
    return dict(line.split("\t") for line in done.stdout.splitlines())


def main() -> None:
    """Prints a line a setting; * marks what differs from this machine's own."""
    if "--one" in sys.argv:
        for name, value in digests().items():
            print(f"{name}\t{value}")
        return
    own = digests_under("this machine's own")
    for setting in SETTINGS:
        found = digests_under(setting)
        marked = [f"{name} {value}{'' if value == own[name] else '*'}" for name, value in found.items()]
        print(f"{setting}: {', '.join(marked)}")


if __name__ == "__main__":
    main()
