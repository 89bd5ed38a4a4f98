"""From a measured run to the leaderboard's pages by commands alone; exit codes, and what is said."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.test_commands import sdm_bench
from tests.reports.leaderboard.made import measured_run, somebody, untrained, with_rows


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home") / "mallory77"


@pytest.fixture(scope="module")
def run(home: Path, toy_cityscapes: Path, untrained_cache: Path) -> Path:
    """One seed and its FID."""
    return measured_run(home / "runs/sdm", toy_cityscapes, untrained_cache, [0])


@pytest.fixture(autouse=True)
def me(home: Path, run: Path, untrained_cache: Path) -> Iterator[None]:
    with somebody(home, run.parent), untrained(untrained_cache):
        yield


def test_from_a_run_to_the_pages(run: Path, toy_cityscapes: Path, tmp_path: Path) -> None:
    out, site = tmp_path / "all/mine", tmp_path / "site"
    written = sdm_bench("submit", "sdm", "--out", out, "--samples", "--submitter", "A lab")
    assert written.stdout == f"{out}\n"
    assert "all/mine: 12 files, digest " in written.stderr

    checked = sdm_bench("leaderboard", "check", out)
    assert checked.stdout == "not measured again: all numbers: --data says where the reference pictures are\n"
    assert "12 files, 6 rows, nothing wrong" in checked.stderr
    again = sdm_bench("leaderboard", "check", out, "--data", f"cityscapes={toy_cityscapes}", "--device", "cpu")
    assert again.stdout == ""

    built = sdm_bench("leaderboard", "build", tmp_path / "all", "--out", site)
    assert built.stdout == f"{site / 'index.html'}\n"
    assert "A lab" in (site / "index.html").read_text()

    with_rows(out, lambda row: {"value": row.value + 1} if row.metric == "fid" else {})
    assert sdm_bench("leaderboard", "check", out).stderr.endswith("nothing wrong\n"), "only measuring tells"
    found = sdm_bench("leaderboard", "check", out, "--data", toy_cityscapes, "--device", "cpu", code=1)
    (line,) = found.stdout.splitlines()
    assert " fid of sdm under sdm-bench@1: value " in line
    assert "6 rows, 1 wrong" in found.stderr

    (out / "more.txt").write_text("x")
    broken = sdm_bench("leaderboard", "check", out, code=1)
    assert broken.stdout.splitlines() == [
        "more.txt: no file of a bundle",
        "more.txt: not listed in bundle.json",
        "not measured again: all numbers: what is wrong comes first",
    ]
    refused = sdm_bench("leaderboard", "build", tmp_path / "all", "--out", site, code=1)
    assert "refused:\n  mine: more.txt: no file of a bundle and 1 more; `sdm-bench leaderboard check`" in refused.stderr
    assert refused.stdout == ""
    assert (site / "index.html").is_file(), "the earlier site stays"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["submit", "sdm"], "Missing option '--out'"),
        (["submit", "sdm", "--out", "sdm"], "--out sdm: no bundle of this program; expected an earlier one"),
        (["submit", "sdm", "--out", "b", "--suite-folder", "sdm"], "--suite-folder: of one suite; found none"),
        (["submit", "sdm", "--out", "b", "--pretrained"], "--pretrained: of suites; found none"),
        (["submit", "sdm", "--out", "b", "--url", "mine"], "url: expected an address that begins with"),
        (["submit", "sdm", "--out", "b", "--note", "at mallory77's"], "bundle.json, note: says 'mallory77'"),
        (["leaderboard", "check", "sdm"], "sdm: no bundle: no bundle.json in it; found provenance, results.csv, run"),
        (["leaderboard", "check", "sdm", "--segmenter", "toy"], "--segmenter: does nothing without --data"),
        (["leaderboard", "check", "sdm", "--data", "x=nowhere"], "expected the root of a dataset, as DIR or NAME=DIR"),
        (["leaderboard", "check", "sdm", "--data", "nowhere"], "'nowhere'; expected the root of a dataset, as DIR or"),
        (["leaderboard", "check", "sdm", "--data", "x="], "'x='; expected the root of a dataset, as DIR or NAME=DIR"),
        (["leaderboard", "check", "sdm", "--data", "=."], "'=.'; expected the root of a dataset, as DIR or NAME=DIR"),
        (["leaderboard", "check", "sdm", "--data", ".", "--data", "."], "--data: several roots; expected NAME=DIR"),
        (["leaderboard", "build", "sdm", "--out", "site"], "sdm: no bundle.json below it; `sdm-bench submit` writes"),
    ],
)
def test_wrong_usage_says_what_is_expected(arguments: list[str], message: str, run: Path) -> None:
    before = set(run.parent.rglob("*"))
    result = sdm_bench(*arguments, code=2)
    assert message in result.output
    assert set(run.parent.rglob("*")) == before
