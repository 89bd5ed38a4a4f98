"""`sdm-bench study`, from runs to tables, as a user calls it."""

import re
from pathlib import Path
from shutil import copytree

import pytest

from reports.study.build import SECONDS, StudyOptions
from reports.study.choice import extras
from tests.commands.test_commands import sdm_bench
from tests.reports.study.answered import answers_of, prefers, write
from tests.reports.study.made import key_of


def test_from_runs_to_tables(runs: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "study"
    asked = ("--pairs", "sdm:spade", "--pairs", "sdm:oasis", "--per-pair", 2, "--label-map")
    made = sdm_bench("study", "build", *runs, tmp_path, *asked, "--out", out)
    assert made.stdout.split() == [str(out / "study.html"), str(out / "key.json")]
    assert f"{tmp_path}: no samples; left out" in made.stderr
    assert "9 pairs in 1 form; a participant sees 12" in made.stderr
    key = key_of(out)
    assert key.command.split()[0] == "sdm-bench"
    (out / "answers").mkdir()
    files = [
        write(out / "answers" / f"{name}.csv", answers_of(key, prefers("sdm", "spade", "oasis"), name))
        for name in ("p1", "p2")
    ]
    done = sdm_bench("study", "tally", *files, "--format", "md", "--format", "pdf", "--rename", "sdm=Ours")
    names = ["table2.md", "preferences.md", "strengths.md", "participants.md", "votes.csv", "preference.pdf"]
    assert done.stdout.split() == [str(out / "tally" / name) for name in [*names, "preference.csv"]]
    assert "| Ours | SPADE | 100.0 |" in (out / "tally" / "table2.md").read_text()
    assert "Ours,OASIS,Ours,cityscapes/" in (out / "tally" / "votes.csv").read_text()


def test_the_help_says_what_the_default_costs_a_participant() -> None:
    default = StudyOptions(pairs=[]).per_pair
    minutes = round((default + 2 * extras(None, default)) * SECONDS / 60)
    said = " ".join(sdm_bench("study", "build", "--help").stdout.split())
    assert f"about {SECONDS} seconds for each: {minutes} minutes for {default} with their checks" in said
    assert f"[default: {default}; x>=1]" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pairs", "sdm"], "--pairs sdm: expected two runs as A:B"),
        (["--pairs", "sdm:"], "--pairs sdm:: expected two runs as A:B"),
        (["--pairs", "a:b:c"], "--pairs a:b:c: expected two runs as A:B"),
        (["--pairs", "sdm:sdm"], "twice the same run"),
        (["--pairs", "sdm:spade", "--per-pair", "7"], "both have 5 label maps; give 5 or fewer"),
        (["--pairs", "sdm:spade", "--per-pair", "2", "--suite-folder", "."], "--suite-folder: of one suite"),
        (["--pairs", "sdm:spade", "--per-pair", "2", "--pretrained"], "--pretrained: of suites; found none"),
    ],
)
def test_what_is_wrong_is_one_line(arguments: list[str], message: str, runs: list[Path], tmp_path: Path) -> None:
    failed = sdm_bench("study", "build", *runs, *arguments, "--out", tmp_path / "study", code=2)
    assert message in failed.stderr
    assert not (tmp_path / "study").exists()


def test_serving_needs_participants_and_a_word(study: Path, tmp_path: Path) -> None:
    folder = copytree(study, tmp_path / "study")
    failed = sdm_bench("study", "serve", folder, "--host", "0.0.0.0", "--participants", 1, code=2)
    assert re.search(r"--host 0\.0\.0\.0: everybody who reaches this machine.*Say --yes-expose", failed.stderr)
    assert "no links yet" in sdm_bench("study", "serve", folder, code=2).stderr
    assert not (folder / "links.json").exists()
