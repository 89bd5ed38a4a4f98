"""Shell completion: the scripts, and what they are given for a begun line."""

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import main


def completed(line: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What bash is offered for the last word of a line."""
    words = line.split(" ")
    monkeypatch.setenv("_SDM_BENCH_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    result = CliRunner().invoke(main, [], prog_name="sdm-bench")
    assert result.exit_code == 0, result.output
    return [each.partition(",")[2] for each in result.output.splitlines()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_asks_this_program(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert f"_SDM_BENCH_COMPLETE={shell}_complete" in result.stdout
    assert "sdm-bench" in result.stdout


def test_bash_reads_the_script(tmp_path: Path) -> None:
    (tmp_path / "script").write_text(CliRunner().invoke(main, ["completion", "bash"]).stdout)
    read = subprocess.run(
        ["bash", "--norc", "-c", f"source {tmp_path / 'script'} && complete -p sdm-bench"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert read.stdout.split()[-1] == "sdm-bench"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("sdm-bench ev", ["evaluate"]),
        ("sdm-bench train sd", ["sdm", "sdm-concat"]),
        ("sdm-bench train sdm --dataset ci", ["cityscapes"]),
        ("sdm-bench protocols show oas", ["oasis@1", "oasis@2"]),
        ("sdm-bench evaluate runs/sdm --metric lp", ["lpips"]),
        ("sdm-bench run paper-table1", ["paper-table1"]),
        ("sdm-bench weights fetch lpips-v", ["lpips-vgg"]),
        ("sdm-bench generate --threshol", ["--threshold"]),
    ],
)
def test_commands_options_and_names_are_completed(
    line: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert completed(line, monkeypatch) == expected
