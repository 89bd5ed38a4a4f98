"""Every parity case of the shared folder that the program has a counterpart for agrees."""

from pathlib import Path

import pytest

from tests.parity.cases import PARITY, find
from tests.parity.run import run_file

CASES = find(PARITY) if PARITY.is_dir() else []


@pytest.mark.skipif(not CASES, reason=f"no parity cases at {PARITY}")
@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_agrees_with_the_reference(path: Path) -> None:
    outcome = run_file(path)
    if outcome.status == "not supported":
        pytest.skip(outcome.line())
    assert outcome.status == "passed", outcome.line()
