"""The command line: help at once, the walk from toy scenes to a table, exit codes."""

import subprocess
import sys
from pathlib import Path

import click
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner, Result
from PIL import Image

from cli import COMMANDS, main
from sdm_bench.checkpoints.generators import WeightsSpec
from sdm_bench.results.rows import read_rows
from sdm_bench.weights.store import CACHE_VARIABLE
from tests.conftest import accept_untrained


def sdm_bench(*arguments: object, code: int = 0) -> Result:
    """Runs a command in this process and checks its exit code."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The paths of a command and all commands below it."""
    if not isinstance(command, click.Group):
        return [path]
    with click.Context(command) as context:
        names = command.list_commands(context)
        return [path, *(leaf for name in names for leaf in leaves(command.get_command(context, name), (*path, name)))]


@pytest.mark.parametrize("path", leaves(main), ids=" ".join)
def test_every_help_has_an_example(path: tuple[str, ...]) -> None:
    output = sdm_bench(*path, "--help").output
    assert "Example" in output
    assert f"sdm-bench {' '.join(path)}".strip() in output


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'pandas', 'PIL', 'pydantic', 'yaml'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in COMMANDS)


@pytest.fixture(scope="module")
def walk(toy_cityscapes: Path, untrained_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two sampled and measured runs, made by the commands alone."""
    folder = tmp_path_factory.mktemp("walk")
    data = ("--dataset", "cityscapes", "--data", toy_cityscapes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(untrained_cache))
        accept_untrained(patch)
        for method in ("sdm", "spade"):
            run = folder / method
            sdm_bench("train", method, *data, "--batch-size", 2, "--steps", 1, "--out", run)
            sampling = ("--solver", "ddim", "--solver-steps", 2, "--guidance", 1.5) if method == "sdm" else ()
            sdm_bench("generate", run, *sampling, "--seeds", "0-1")
            sdm_bench("evaluate", run, "--metric", "fid", "--metric", "lpips")
    return folder


def test_the_walk_ends_in_tables_and_a_figure(walk: Path, tmp_path: Path) -> None:
    tables = ("--table", "comparison", "--table", "ablation")
    output = sdm_bench("report", walk / "sdm", walk / "spade", *tables, "--out", tmp_path).output
    names = [f"{name}.{kind}" for name in ("comparison", "ablation") for kind in ("csv", "md", "tex", "html")]
    names += ["tables.tex", "compare.png", "compare.csv"]
    assert [Path(line).name for line in output.splitlines()] == names
    frame = pd.read_csv(tmp_path / "comparison.csv")
    assert frame["method"].tolist() == ["SDM", "SPADE"]
    assert (frame["FID"] > 0).all()
    assert frame["LPIPS"].iloc[1] == 0
    assert frame["seeds"].astype(str).tolist() == ["0-1", "0"]
    with Image.open(tmp_path / "compare.png") as picture:
        assert picture.width > 4 * 64 * 3
        assert picture.height > 5 * 32 * 3


def test_the_walk_ends_in_web_pages(walk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runs = (walk / "sdm", walk / "spade")
    output = sdm_bench("report", *runs, "--gallery", "gallery.html", "--site", "site", "--no-figure").stdout
    assert [Path(line).name for line in output.splitlines()] == ["gallery.html", "index.html"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gallery.html", "site"]
    texts = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(texts) > 8
    assert not any(str(walk) in text for text in texts)
    sdm_bench("report", *runs, "--site", "site", "--paths", "--no-figure")
    assert any(str(walk) in path.read_text() for path in (tmp_path / "site" / "numbers").iterdir())


def test_numbers_go_to_stdout_and_talk_to_stderr(
    walk: Path, untrained_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(untrained_cache))
    accept_untrained(monkeypatch)
    result = sdm_bench("evaluate", walk / "spade", "--metric", "fid")
    assert result.stdout.splitlines()[0].split()[:5] == ["id", "dataset", "method", "metric", "value"]
    assert "warning: FID from 5 images" in result.stderr
    assert "warning" not in result.stdout


def test_some_failed_cells_exit_with_one_and_are_listed(
    walk: Path, untrained_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(untrained_cache))
    accept_untrained(monkeypatch)
    result = sdm_bench("evaluate", walk / "spade", "--metric", "lpips", "--metric", "miou", code=1)
    assert "not computed:\n  miou: weights that are not in the cache: cityscapes-drn-d-105; bring" in result.stderr
    listed, _ = result.stderr.split("What needs them will be left out.")
    assert "cityscapes-drn-d-105: mean IoU on Cityscapes" in listed
    assert "lpips" in result.stdout


def test_the_same_samples_under_every_protocol(
    walk: Path, untrained_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a cache of its own: a ceiling that another test has left in it leaves the photographs' predictions out
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/weights").symlink_to(untrained_cache / "weights")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    accept_untrained(monkeypatch)
    kept, out = tmp_path / "predictions", tmp_path / "results.csv"
    options = ("--metric", "miou", "--segmenter", "toy", "--protocol", "all", "--predictions", kept, "--out", out)
    result = sdm_bench("evaluate", walk / "spade", *options)
    header = next(line for line in result.stdout.splitlines() if line.startswith("| dataset"))
    assert "| full-size@1 | modern@1 | oasis@1 | oasis@2 | sdm-bench@1 | spread |" in header
    assert "left out: spade@1: miou on cityscapes can't be reconstructed" in result.stderr
    assert len(list(kept.glob("*/*.png"))) == 4 * 5
    assert (tmp_path / "per-image.csv").is_file()
    number = next(line for line in out.read_text().splitlines() if ",miou," in line).split(",")[0]
    account = sdm_bench("explain", number[:8], out).stdout
    for part in (
        "command: sdm-bench",
        "arguments:",
        "allow_incomplete: false",
        "num_real:",
        "manifest_sha256:",
        "segmenter: toy",
        "torch:",
        "name: full-size@1",
        "seed-000",
    ):
        assert part in account


def test_fid_under_every_protocol_needs_nothing_that_nobody_gave(
    walk: Path, untrained_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(untrained_cache))
    accept_untrained(monkeypatch)
    # the real one takes half a minute
    monkeypatch.setattr("sdm_bench.evaluation.fid.frechet_distance_float32", lambda real, generated: 1.0)
    out = tmp_path / "results.csv"
    result = sdm_bench("evaluate", walk / "spade", "--metric", "fid", "--protocol", "all", "--out", out, code=1)
    assert "| oasis@1 | oasis@2 | sdm-bench@1 | sdm@1 | spread |" in result.stdout
    assert "left out: inade@1 compares with statistics of the training split" in result.stderr
    assert "dgm-eval@1, fid: weights that are not in the cache: dinov2-vit-l-14" in result.stderr
    assert len({row.value for row in read_rows(out) if row.metric == "fid"}) == 4


def test_protocols_are_listed_shown_and_compared() -> None:
    listed = sdm_bench("protocols", "list").stdout
    assert "spade@1: FID by pytorch-fid as it comes." in listed
    assert "  fid: cityscapes?, ade20k?, coco_stuff?" in listed
    shown = yaml.safe_load(sdm_bench("protocols", "show", "scdm@1").stdout)
    assert shown["miou"]["coco_stuff"]["average"] == "all"
    assert "unknown" not in shown["miou"]["coco_stuff"]
    assert "segmenter" in shown["miou"]["ade20k"]["unknown"]
    compared = sdm_bench("protocols", "diff", "sdm@1", "sdm-bench@1").stdout
    assert "fid.resize (celebamask_hq, cityscapes, ade20k, coco_stuff)\n  sdm@1: sdm\n  sdm-bench@1: clean" in compared
    assert sdm_bench("protocols", "diff", "sdm@1", "sdm@1").stdout == ""


def test_statistics_are_written_taken_and_compared_with(
    walk: Path, toy_cityscapes: Path, untrained_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(untrained_cache))
    accept_untrained(monkeypatch)
    out = tmp_path / "real.npz"
    real = ("--dataset", "cityscapes", "--data", toy_cityscapes, "--image-size", "32")
    assert "images: 5" in sdm_bench("stats", "export", out, *real).stdout
    assert "resize: clean" in sdm_bench("stats", "show", out).stdout
    values = {}
    for name, options in (("photographs", ()), ("statistics", ("--statistics", out))):
        target = tmp_path / f"{name}.csv"
        sdm_bench("evaluate", walk / "spade", "--metric", "fid", "--out", target, *options)
        values[name] = {row.metric: row for row in read_rows(target)}
    expected, found = values["photographs"]["fid"], values["statistics"]["fid"]
    assert found.value == pytest.approx(expected.value, rel=1e-6)
    assert "real: statistics of 5 images, real.npz" in found.note
    assert set(values["statistics"]) == {"fid"}
    failed = sdm_bench(
        "evaluate",
        walk / "spade",
        "--metric",
        "fid",
        "--protocol",
        "inade@1",
        "--out",
        tmp_path / "refused.csv",
        code=1,
    )
    assert "inade@1 compares with statistics of the training split" in failed.stderr
    failed = sdm_bench("evaluate", walk / "spade", "--metric", "fid", "--statistics", "nothing", code=2)
    assert "--statistics nothing: neither a file or folder, nor imported statistics" in failed.stderr


def test_somebody_elses_pictures_are_measured(
    walk: Path, toy_cityscapes: Path, untrained_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(untrained_cache))
    accept_untrained(monkeypatch)
    images = walk / "spade" / "samples" / "seed-000"
    out = tmp_path / "theirs.csv"
    data = ("--dataset", "cityscapes", "--data", toy_cityscapes)
    result = sdm_bench("evaluate", "--images", images, *data, "--metric", "fid", "--name", "theirs", "--out", out)
    ours = pd.read_csv(walk / "spade" / "results.csv").query("metric == 'fid'")["value"].item()
    theirs = pd.read_csv(out).query("metric == 'fid'")
    assert theirs["value"].item() == pytest.approx(ours, rel=1e-6)
    assert theirs["method"].item() == "theirs"
    assert "theirs" in result.stdout


def test_exported_weights_sample_like_the_run(walk: Path, toy_cityscapes: Path, tmp_path: Path) -> None:
    sdm_bench("export", walk / "spade", tmp_path / "spade.safetensors")
    checkpoint = ("--method", "spade", "--checkpoint", tmp_path / "spade.safetensors")
    sdm_bench("generate", *checkpoint, "--data", toy_cityscapes, "--out", tmp_path / "run")
    for path in (walk / "spade" / "samples" / "seed-000").iterdir():
        assert (tmp_path / "run" / "samples" / "seed-000" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["generate"], "either a run's folder, or --method with --checkpoint"),
        (["generate", "--checkpoint", "toy", "--out", "x"], "say which with --method"),
        (
            ["generate", "--method", "sdm", "--checkpoint", "none.pt", "--dataset", "ade20k", "--out", "x"],
            "none.pt: no such",
        ),
        (["evaluate", "--metric", "fid"], "either a run's folder or --images"),
        (["generate", "--seeds", "2-0"], "expected numbers like 0, 0-2 or 0,4"),
        (["generate", "--shard", "2/2"], "expected k/n with k from 0 to n - 1"),
        (["data", "toy", "cityscapes", "x", "--size", "64"], "expected WIDTHxHEIGHT"),
        (["data", "toy", "citiscapes", "x"], "Did you mean 'cityscapes'"),
        (["weights", "fetch", "lpips-alexnet"], "Did you mean 'lpips-alex'"),
        (["report", "."], "no results.csv in ."),
        (["report", ".", "--gallery", "x.html", "--no-figure"], "--no-figure: the gallery has no figures"),
        (["report", ".", "--figure", "cmpare"], "Unknown figure 'cmpare'. Did you mean 'compare'?"),
        (["report", ".", "--figure", "plane", "--no-figure"], "--no-figure with --figure"),
        (["report", ".", "--no-figure", "--format", "pdf"], "--format with --no-figure"),
        (["report", ".", "--figure", "plane", "--rows", "3"], "--rows: of the figures compare, samples, editing"),
        (["report", ".", "--examples", "wrost"], "--examples wrost: expected evenly, worst, best or class:NAME"),
        (["report", ".", "--example", "a", "--rows", "2"], "--example with --rows"),
        (["train", "smd"], "Unknown method 'smd'. Did you mean 'sdm'?"),
        (["nonsense"], "No such command 'nonsense'"),
    ],
)
def test_wrong_usage_exits_with_two_and_says_what_is_expected(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in sdm_bench(*arguments, code=2).output


def test_fetch_without_names_means_what_the_default_protocol_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    output = sdm_bench("weights", "fetch", "--offline", code=2).output
    assert [line for line in output.splitlines() if "sdm-bench weights fetch" in line] == [
        "    sdm-bench weights fetch inception-2015-12-05", "    sdm-bench weights fetch lpips-alex",
    ]  # fmt: skip


def test_the_benchmark_prints_a_line_for_each_path() -> None:
    arguments = ("--pairs", 1, "--batch-size", 1, "--steps", "2", "--no-quality", "--device", "cpu")
    lines = sdm_bench("benchmark", "sampling", *arguments).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["path", "plain", "fast"]


def test_training_needs_an_end_and_a_known_method(toy_cityscapes: Path, tmp_path: Path) -> None:
    data = ("--dataset", "cityscapes", "--data", toy_cityscapes, "--out", tmp_path)
    assert "how long? Give --steps" in sdm_bench("train", "sdm", *data, code=2).output
    budgets = ("--budget", 1, "--core-budget", 1)
    assert "expected one of them" in sdm_bench("train", "sdm", *data, *budgets, code=2).output
    for flag in ("--budget", "--core-budget"):
        assert "0.0 is not in the range x>0" in sdm_bench("train", "sdm", *data, flag, 0, code=2).output
    assert "Did you mean 'sdm'" in sdm_bench("train", "smd", *data, "--steps", 1, code=2).output
    data = ("--dataset", "cityscapes", "--data", tmp_path, "--out", tmp_path / "run")
    assert "no label maps of the train split" in sdm_bench("train", "sdm", *data, "--steps", 1, code=2).output


def test_verify_exits_with_one_where_something_is_wrong(toy_cityscapes: Path, tmp_path: Path) -> None:
    assert "ok: 11 examples" in sdm_bench("data", "verify", "cityscapes", toy_cityscapes).output
    (tmp_path / "gtFine").symlink_to(toy_cityscapes / "gtFine")
    (tmp_path / "leftImg8bit" / "train").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "leftImg8bit" / "train" / "x_leftImg8bit.png")
    assert "problem:" in sdm_bench("data", "verify", "cityscapes", tmp_path, code=1).output


@pytest.mark.parametrize("option", ["--guidance", "--solver", "--checkpoint", "--variant"])
def test_evaluate_takes_no_options_that_make_samples(walk: Path, option: str) -> None:
    result = sdm_bench("evaluate", walk / "sdm", "--metric", "fid", option, "7", code=2)
    assert f"No such option '{option}'" in result.output
    assert "sdm-bench generate" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate", ".", "--metric", "fid", "--split", "val", "--split", "test"],
        ["generate", ".", "--seeds", "0", "--seeds", "1"],
        ["report", ".", "--rows", "1", "--rows", "2"],
        ["protocols", "list", "--help", "--help"],
    ],
    ids=lambda arguments: arguments[-1],
)
def test_an_option_for_one_value_is_given_once(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if "--help" in arguments:
        sdm_bench(*arguments)
    else:
        assert "given 2 times; expected once" in sdm_bench(*arguments, code=2).output


@pytest.mark.parametrize(
    "option",
    [
        ("--solver", "ddim"), ("--solver-steps", 2), ("--guidance", 0), ("--eta", 0), ("--threshold", "clip"),
        ("--precision", "no"), ("--path", "fast"), ("--spade-cache", "auto"), ("--channels-last",), ("--compile",),
    ],
    ids=lambda option: option[0],
)  # fmt: skip
def test_a_gan_takes_no_options_of_diffusion_models(
    walk: Path, option: tuple[object, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = f"{option[0]}: spade is a GAN; diffusion models take it"
    assert message in sdm_bench("generate", walk / "spade", *option, "--out", tmp_path, code=2).output
    monkeypatch.setattr(WeightsSpec, "load", lambda *_: pytest.fail("work has begun"))
    released = ("--method", "spade", "--checkpoint", "toy", "--out", tmp_path)
    assert message in sdm_bench("generate", *released, *option, code=2).output
    assert not any(tmp_path.iterdir())


def test_weights_trained_with_another_preset_are_refused(walk: Path, tmp_path: Path) -> None:
    refused = sdm_bench("generate", walk / "spade", "--preset", "paper", "--out", tmp_path, code=2)
    assert "was trained with preset 'toy'" in refused.output


def test_published_alone_means_below_before_runs_too(walk: Path, tmp_path: Path) -> None:
    for number, arguments in enumerate(
        [("--published", walk / "spade"), (walk / "spade", "--published"), (walk / "spade", "--published", "below")]
    ):
        out = tmp_path / str(number)
        sdm_bench("report", *arguments, "--out", out, "--no-figure", "--format", "csv")
        assert {path.name for path in out.iterdir()} >= {"comparison.csv", "published-cityscapes-labels.csv"}


def test_tables_for_a_paper_with_what_they_cost(walk: Path, tmp_path: Path) -> None:
    tables = [part for name in ("table1", "table4", "cost", "companions", "tracks") for part in ("--table", name)]
    sdm_bench(
        "report", walk / "sdm", walk / "spade/results.csv", walk / "spade", *tables, "--published", "beside",
        "--factor", "method", "--rename", "sdm=Ours", "--format", "csv", "--format", "tex", "--out", tmp_path,
    )  # fmt: skip
    first = pd.read_csv(tmp_path / "table1.csv")
    assert first["method"].tolist()[:2] == ["Ours", "SPADE"]
    assert "Cityscapes FID published" in first
    cost = pd.read_csv(tmp_path / "cost.csv").set_index("method")
    assert (cost["parameters (M)"] > 0).all()
    assert cost["evaluations"].to_dict() == {"Ours": 4, "SPADE": 1}
    assert (cost["GFLOP a sample"] > 0).all()
    assert (cost["training hours"] > 0).all()
    assert cost["seconds a sample"].str.contains("cpu, batch 8").all()
    assert {path.name for path in tmp_path.glob("*.tex")} == {
        *(f"{name}.tex" for name in ("table1", "table4", "cost", "companions", "tracks")), "tables.tex"
    }  # fmt: skip
