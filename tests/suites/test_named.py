"""What a suite made, by the names that people read."""

from pathlib import Path

import pytest

from sdm_bench.suites.cells import Cell
from sdm_bench.suites.named import name_results
from sdm_bench.suites.results import Result


def done(out: Path, kind: str, name: str, **options: object) -> Cell:
    cell = Cell(kind, name, options, {"name": name, **options})
    Result(cell.key, {}, cell.decided_by).write(out, cell)
    (out / cell.work_folder).mkdir(parents=True)
    return cell


def links(out: Path) -> dict[str, str]:
    return {str(path.relative_to(out)): str(path.resolve().relative_to(out)) for path in sorted(out.glob("[drt]*/*"))}


def test_each_result_has_a_link_and_a_changed_plan_moves_it(tmp_path: Path) -> None:
    data = done(tmp_path, "data", "data.cityscapes", toy={})
    first = done(tmp_path, "train", "train.cityscapes.sdm.seed-0", steps=1)
    unmade = Cell("generate", "generate.cityscapes.sdm", {}, {})
    name_results([data, first, unmade], tmp_path)
    assert links(tmp_path) == {"data/cityscapes": data.work_folder, "trained/sdm.seed-0": first.work_folder}
    second = done(tmp_path, "train", "train.cityscapes.sdm.seed-0", steps=2)
    name_results([data, second], tmp_path)
    assert links(tmp_path)["trained/sdm.seed-0"] == second.work_folder


def test_datasets_are_named_where_there_are_several_and_folders_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = [done(tmp_path, "data", f"data.{name}", toy={}) for name in ("cityscapes", "ade20k")]
    cells.append(done(tmp_path, "generate", "generate.ade20k.sdm.shard-0-of-2"))
    own = tmp_path / "data/cityscapes"
    own.mkdir(parents=True)
    name_results(cells, tmp_path)
    assert (tmp_path / "runs/ade20k.sdm").resolve() == tmp_path / cells[2].work_folder
    assert not own.is_symlink()
    assert f"{own}: there already and no link" in capsys.readouterr().err
