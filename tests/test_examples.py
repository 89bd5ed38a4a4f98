"""The notebooks of examples/ run from top to bottom, show figures, and are kept without outputs."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from sdm_bench.weights.store import CACHE_VARIABLE
from tests.conftest import ACCEPT_UNTRAINED

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(ROOT.glob("examples/*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_are_kept_without_outputs(path: Path) -> None:
    kept = nbformat.read(path, as_version=4)
    assert [cell.id for cell in kept.cells if cell.get("outputs") or cell.get("execution_count")] == []


# What the kernel's own packages warn of among themselves is theirs.
@pytest.mark.filterwarnings("default")
def test_measure_and_paint_runs(untrained_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(untrained_cache))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    # as the suite's own: several threads are slower by far with other work on the cores
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for variable in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    notebook = nbformat.read(ROOT / "examples/measure_and_paint.ipynb", as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(ACCEPT_UNTRAINED))
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
    said = "".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs)
    assert "metric='fid', images=4" in said
    assert "metric='lpips', images=4" in said
    assert r"\toprule" in said
    assert "b photographs: no such folder" in said
