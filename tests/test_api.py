"""What Python programs import: names, time, examples, the numbers of the commands, mistakes by arguments."""

import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import sdm_bench as sb
from sdm_bench.evaluation.evaluate import Evaluation
from sdm_bench.evaluation.evaluate import evaluate as run_evaluation
from sdm_bench.results.rows import read_rows
from sdm_bench.weights.store import CACHE_VARIABLE
from tests.conftest import accept_untrained
from tests.evaluation.measured import make_run, noisy, real_at

ROOT = Path(__file__).parents[1]
FUNCTIONS = ("fid", "lpips_diversity", "miou", "evaluate", "difference", "load", "write_toy")


@pytest.fixture(autouse=True)
def use_untrained_cache(untrained_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(untrained_cache))
    accept_untrained(monkeypatch)


@pytest.fixture
def scenes(toy_cityscapes: Path):
    return sb.datasets.open("cityscapes", toy_cityscapes)


@pytest.fixture(scope="module")
def run(toy_cityscapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder with two seeds of noisy photographs."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    return make_run(folder, real_at(toy_cityscapes), [0, 1], noisy, data=str(toy_cityscapes))


def test_the_import_is_light_and_names_are_stable() -> None:
    program = (
        "import sys; import sdm_bench as sb\n"
        "print(*dir(sb))\n"
        "heavy = {'torch', 'numpy', 'pandas', 'PIL', 'pydantic', 'yaml', 'click'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        *("LoadedMethod", "NotComputed", "Number", "Rows", "UserError", "__version__", "datasets", "difference"),
        *("evaluate", "fid", "load", "lpips_diversity", "miou", "write_toy"),
    ]


def test_every_name_is_there_and_no_other() -> None:
    for name in sb.__all__:
        assert getattr(sb, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'fide'"):
        sb.fide  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'opne'"):
        sb.datasets.opne  # noqa: B018


def test_types_are_for_everybody() -> None:
    assert (ROOT / "sdm_bench/py.typed").is_file()
    assert '"py.typed"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for name in FUNCTIONS:
        signature = inspect.signature(getattr(sb, name))
        assert all(each.annotation is not each.empty for each in signature.parameters.values())
        assert signature.return_annotation is not signature.empty


@pytest.mark.parametrize("name", [*FUNCTIONS, "datasets.open"])
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    function = sb.datasets.open if name == "datasets.open" else getattr(sb, name)
    found = [each for each in doctest.DocTestFinder().find(function, name, globs={}) if each.examples]
    assert len(found) == 1
    said: list[str] = []
    assert doctest.DocTestRunner().run(found[0], out=said.append).failed == 0, "".join(said)


def test_fid_of_a_folder_and_a_dataset_is_that_of_the_command(run: Path, scenes) -> None:
    pictures = run / "samples/seed-000"
    rows, failures = run_evaluation(Evaluation(["fid"], run=run, seeds=[0], stored=False))
    assert not failures
    found = sb.fid(pictures, scenes)
    assert found == rows[0].value
    assert sb.fid(scenes, pictures) == pytest.approx(found, rel=1e-6)
    assert (found.images, found.real_images, found.protocol) == (5, 5, "sdm-bench@1")
    assert found.extractor == rows[0].extractor
    assert sb.fid(scenes, scenes) == pytest.approx(0, abs=1e-4)


def test_fid_takes_folders_arrays_and_statistics(run: Path, scenes, tmp_path: Path) -> None:
    from sdm_bench.evaluation.statistics import export_statistics

    folders = run / "samples/seed-000", str(run / "samples/seed-001")
    between = sb.fid(*folders)
    arrays = [np.stack([np.asarray(Image.open(each)) for each in sorted(Path(one).iterdir())]) for one in folders]
    assert sb.fid(*arrays) == pytest.approx(between, rel=1e-6)
    np.savez(tmp_path / "samples.npz", arrays[0])
    assert sb.fid(tmp_path / "samples.npz", folders[1]) == pytest.approx(between, rel=1e-6)
    export_statistics(tmp_path / "statistics.npz", images=Path(folders[1]))
    against = sb.fid(folders[0], tmp_path / "statistics.npz")
    assert against == pytest.approx(between, rel=1e-3)
    assert against.real_images == 5


def test_lpips_diversity_is_that_of_the_command(run: Path, tmp_path: Path) -> None:
    rows, failures = run_evaluation(Evaluation(["lpips"], run=run, stored=False))
    assert not failures
    found = sb.lpips_diversity([run / "samples/seed-000", run / "samples/seed-001"])
    assert (found, found.spread) == (pytest.approx(rows[0].value, rel=1e-6), pytest.approx(rows[0].spread, rel=1e-5))
    assert found.images == 5
    assert found > 0


def test_miou_is_that_of_the_command(run: Path) -> None:
    rows, failures = run_evaluation(Evaluation(["miou"], run=run, segmenter="toy", stored=False))
    assert not failures
    found = sb.miou(run, segmenter="toy")
    assert (found, found.spread, found.images) == (rows[0].value, rows[0].spread, 5)
    assert found.ceiling is not None
    assert 0 < found < 1
    assert not (run / "results.csv").exists()


def test_a_number_is_a_float() -> None:
    number = sb.Number(1.25, metric="fid", images=3, protocol="sdm-bench@1", extractor="x")
    assert (str(number), f"{number:.1f}", number + 1) == ("1.25", "1.2", 2.25)
    assert repr(number) == "Number(1.25, metric='fid', images=3, protocol='sdm-bench@1', extractor='x')"
    with pytest.raises(TypeError, match="Number has no colour"):
        sb.Number(1.0, colour="red")


def test_rows_are_those_of_the_command_and_become_latex(run: Path, tmp_path: Path) -> None:
    rows = sb.evaluate(run, metrics=["lpips", "miou"], segmenter="toy", out=tmp_path / "numbers.csv")
    stored = read_rows(tmp_path / "numbers.csv")
    assert list(rows.id) == [row.id for row in stored]
    assert list(rows.value) == [row.value for row in stored]
    assert rows.results() == stored
    text = rows.to_latex()
    assert r"LPIPS $\uparrow$ & mIoU $\uparrow$" in text
    assert text.count(r"\toprule") == 1
    lpips = rows[rows.metric == "lpips"]
    assert f" & {lpips.value.iloc[0]:.4f} & " in lpips.to_latex()
    assert "mIoU" not in lpips.to_latex()
    with pytest.raises(sb.UserError, match=r"rows without id, dataset"):
        rows[["value"]].to_latex()
    assert "value" in pd.DataFrame(rows[["value"]]).to_latex()


def test_what_could_not_be_computed_is_an_error_with_the_other_rows(toy_cityscapes: Path, run: Path, scenes) -> None:
    with pytest.raises(sb.NotComputed, match="lpips: diversity needs at least two samples") as caught:
        sb.evaluate(str(run / "samples/seed-000"), scenes, metrics=["lpips", "miou"], segmenter="toy", name="ours")
    assert set(caught.value.rows.measure) == {"miou"}


def test_a_loaded_method_paints_what_generate_writes(toy_cityscapes: Path, scenes, tmp_path: Path) -> None:
    from sdm_bench.checkpoints.generators import WeightsSpec
    from sdm_bench.datasets.known_datasets import DatasetSplit
    from sdm_bench.sampling.generate import generate_samples
    from sdm_bench.sampling.synthesizers import SamplingOptions

    paint = sb.load("toy", method="sdm", solver_steps=2, guidance=1.5)
    assert (paint.size, paint.num_classes, paint.needs_instances, paint.stochastic) == ((32, 64), 35, True, True)
    generate_samples(
        WeightsSpec(method="sdm", checkpoint="toy"),
        DatasetSplit("cityscapes", toy_cityscapes, "val"),
        tmp_path,
        [3],
        SamplingOptions(solver_steps=2, guidance=1.5),
        "",
    )
    scene = scenes[1]
    written = np.asarray(Image.open(tmp_path / f"samples/seed-003/{scene.id}.png")).astype(int)
    painted = paint(scene, seed=3)
    assert painted.dtype == np.uint8
    assert np.abs(painted - written).max() <= 1
    larger = np.kron(scene.label, np.ones((2, 2), np.uint8)).astype(np.uint8)
    instances = np.kron(scene.instance, np.ones((2, 2), np.int32))
    assert (paint(larger, seed=3, instance=instances, id=scene.id) == painted).all()
    assert (paint(scene, seed=4) != painted).any()


def test_a_gan_paints_one_picture_a_label_map(scenes) -> None:
    paint = sb.load("toy", method="spade")
    assert not paint.stochastic
    assert (paint(scenes[0]) == paint(scenes[0], seed=5)).all()
    assert repr(paint).startswith("<spade of cityscapes, 64x32, weights ")


GREY = np.zeros((2, 8, 8, 3), np.uint8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sb.fid("nowhere", GREY), "^a nowhere: no such folder; expected a folder"),
        (lambda: sb.fid(GREY, 3), "^b: int; expected a folder"),
        (lambda: sb.fid(GREY, GREY.astype(float)), r"^b: array float64 \(2, 8, 8, 3\); expected uint8"),
        (lambda: sb.fid(GREY, GREY, protocol="sdmbench"), "Unknown protocol 'sdmbench'"),
        (lambda: sb.fid(GREY, GREY, protocol="oasis@2"), "oasis@2 says nothing about fid on folder"),
        (lambda: sb.fid(GREY, GREY, "inade@1", dataset="ade20k"), "give statistics the folder"),
        (lambda: sb.fid(GREY, GREY, "controlnetpp@1", dataset="ade20k"), "mean over 4 samples of each label map"),
        (lambda: sb.fid(GREY, GREY, device="gpu"), "^device gpu: expected auto"),
        (lambda: sb.lpips_diversity("one"), "^folders: str; expected a list of two or more"),
        (lambda: sb.lpips_diversity([GREY]), "1 of each label map; sdm-bench@1 takes at least two samples"),
        (lambda: sb.lpips_diversity([GREY, GREY[:1]]), r"1 pictures in one of folders\[0\] and folders\[1\] alone"),
        (lambda: sb.lpips_diversity([GREY, GREY[:, :4]]), "00000: samples of 8x8, 8x4; expected one size"),
        (lambda: sb.evaluate("theirs"), "^dataset: which label maps are the pictures in theirs of"),
        (lambda: sb.evaluate("theirs", "toy"), "^dataset: str; expected what sdm_bench.datasets.open gives"),
        (lambda: sb.load("toy"), "^checkpoint toy: say which with method"),
        (lambda: sb.load("nowhere"), "^nowhere: no such run"),
        (lambda: sb.load("toy", "spade", guidance=2.0), "^guidance: spade is a GAN"),
        (lambda: sb.load("toy", "sdm", guidance=0.5), "^guidance 0.5: expected s of the released code"),
        (lambda: sb.load("toy", "sdm")(np.zeros((4, 4))), r"^label: array float64 \(4, 4\); expected integers"),
        (lambda: sb.load("toy", "sdm")(np.full((4, 4), 35)), r"^label: classes 35; sdm of cityscapes knows 0..34"),
        (lambda: sb.load("toy", "sdm")(np.zeros((4, 4), int)), "^instance: sdm of cityscapes has an instance edge"),
        (lambda: sb.datasets.open("cityscape", "x"), "Did you mean 'cityscapes'"),
    ],
)
def test_mistakes_name_the_argument(call, message: str) -> None:
    with pytest.raises(sb.UserError, match=message) as caught:
        call()
    assert "--" not in str(caught.value).split("`")[0]


def test_a_dataset_of_other_examples_is_refused(scenes, run: Path) -> None:
    half = type(scenes)(scenes.root, "val", scenes.records[:2])
    with pytest.raises(sb.UserError, match="other examples than the val split"):
        sb.miou(run, half, segmenter="toy")
