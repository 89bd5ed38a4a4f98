"""The same numbers, to the bit, from one process and from two, and with any batch size."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdm_bench.base.tensors import read_safetensors
from sdm_bench.metrics import features
from sdm_bench.metrics.features import extract, inception_extractor
from sdm_bench.metrics.frechet import frechet_distance
from sdm_bench.metrics.images import folder_source
from sdm_bench.results.rows import ResultRow, read_rows
from sdm_bench.weights.store import weights_path
from tests.conftest import ACCEPT_UNTRAINED
from tests.evaluation.measured import make_run, noisy, real_at
from tests.several import together

PROGRAM = f"""
import sys
{ACCEPT_UNTRAINED}
from cli import main
main(sys.argv[1:])
"""


def evaluated(run: Path, data: Path, out: Path, cache: Path, processes: int) -> dict[tuple, ResultRow]:
    """The rows of `sdm-bench evaluate` with so many processes of one thread."""
    for part in ("features", "ceilings"):
        for file in (cache / part).glob("*"):
            file.unlink()
    options = ["--metric", "fid", "--metric", "lpips", "--metric", "miou", "--segmenter", "toy", "--out", str(out)]
    command = ["-c", PROGRAM, "evaluate", str(run), "--data", str(data), "--device", "cpu", *options]
    processes_of = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    launcher = [*processes_of, "--no-python", sys.executable]
    start = [sys.executable, *(launcher if processes > 1 else []), *command]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(start, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("class_lpips") == 0
    assert done.stdout.count(" fid ") == 1, "only the first process prints"
    return {row.key(): row for row in read_rows(out)}


def test_two_processes_find_what_one_finds(toy_cityscapes: Path, untrained_cache: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", real_at(toy_cityscapes), [0, 1], noisy)
    alone = evaluated(run, toy_cityscapes, tmp_path / "one" / "results.csv", untrained_cache, 1)
    both = evaluated(run, toy_cityscapes, tmp_path / "two" / "results.csv", untrained_cache, 2)
    assert alone.keys() == both.keys()
    assert {row.metric for row in alone.values()} >= {"fid", "kid", "precision", "lpips", "class_lpips", "miou", "iou"}
    for key, row in alone.items():
        assert both[key].value == row.value, key
        assert both[key].id == row.id
    per_image = [(tmp_path / name / "per-image.csv").read_text() for name in ("one", "two")]
    assert per_image[0] == per_image[1]


OTHER_VIEW = """
import os, sys
from pathlib import Path
from sdm_bench.base.errors import UserError
from sdm_bench.evaluation.evaluate import Evaluation, evaluate
run = Path(sys.argv[1 + int(os.environ["RANK"])])
try:
    evaluate(Evaluation(["fid"], run=run, stored=False, device="cpu"))
except UserError as error:
    print(error.message)
"""


def test_processes_that_see_other_pictures_measure_nothing(toy_cityscapes: Path, tmp_path: Path) -> None:
    real, where = real_at(toy_cityscapes), {"data": str(toy_cityscapes)}
    runs = [
        make_run(tmp_path / "here", real, [0], noisy, **where),
        make_run(tmp_path / "there", real, [0], lambda example, _: noisy(example, 1), **where),
    ]
    for each in together(OTHER_VIEW, *map(str, runs)):
        assert "process 1 of 2 sees other pictures or label maps than the first" in each.out, each.err


def test_batches_change_no_printed_digit(toy_cityscapes: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path, real_at(toy_cityscapes), [0, 1], noisy)
    extractor = inception_extractor(read_safetensors(weights_path("inception-2015-12-05")), "clean", "cpu")
    found = set()
    for size in (1, 2, 5, 32):
        first, second = (extract(folder_source(run / f"samples/seed-00{k}"), extractor, None, size) for k in (0, 1))
        found.add(f"{frechet_distance(first, second):.6g}")
    assert len(found) == 1


def test_pngs_and_lossless_webps_have_the_same_features(toy_cityscapes: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path, real_at(toy_cityscapes), [0], noisy)
    pngs, webps = run / "samples/seed-000", tmp_path / "webps"
    webps.mkdir()
    for path in sorted(pngs.iterdir(), reverse=True):
        Image.open(path).save(webps / f"{path.stem}.webp", lossless=True)
    extractor = inception_extractor(read_safetensors(weights_path("inception-2015-12-05")), "clean", "cpu")
    first, second = (extract(folder_source(folder), extractor) for folder in (pngs, webps))
    np.testing.assert_array_equal(first, second)


def test_what_batches_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [len(batch) for batch in features.batched(iter([None] * 7), 3)] == [3, 3, 1]  # type: ignore[list-item]
