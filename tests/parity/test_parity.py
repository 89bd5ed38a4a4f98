"""Every parity case of the repository agrees, or stands on the list of what is not supported."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.parity.cases import CASES, Source, find, load
from tests.parity.not_supported import NOT_SUPPORTED
from tests.parity.pack import packed
from tests.parity.run import run

KNOWN = {"metrics/sdm_fid_folder_facts": "words"}


@pytest.mark.parametrize("source", find(CASES), ids=lambda source: source.name)
def test_agrees_with_the_reference(source: Source) -> None:
    outcome = run(source)
    if source.name in KNOWN:
        assert (outcome.status, outcome.reason) == ("not supported", NOT_SUPPORTED[KNOWN[source.name]])
    else:
        assert outcome.status == "passed", outcome.line()


def test_every_group_is_there() -> None:
    groups = {source.name.split("/")[0] for source in find(CASES)}
    assert groups == {"sdm", "diffusion", "segmenters", "preprocessing", "metrics", "gan"}
    assert len(find(CASES)) == 194


def written(folder: Path, outputs: dict[str, np.ndarray], **changes: object) -> Source:
    """A case of our own making, called metrics/own, in `folder`, its json changed by `changes`."""
    entries = {
        name: {"shape": list(value.shape), "dtype": str(value.dtype), "tolerance": 1e-9, "relative_to": "array"}
        for name, value in outputs.items()
    }
    about = {
        "source": "mseitzer/pytorch-fid@0 calculate_frechet_distance",
        "what": "moments of drawn features",
        "arguments": {},
        "inputs": {f"features_{k}": {"kind": "normal", "draw": f"own-{k}", "shape": [9, 3]} for k in (1, 2)},
        "outputs": entries,
    }
    path = folder / "metrics" / "own.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(about | changes))
    np.savez_compressed(path.with_suffix(".npz"), **outputs)  # type: ignore[arg-type]
    (source,) = find(folder)
    return source


def features(folder: Path) -> np.ndarray:
    """The first features of such a case."""
    source = written(folder, {"mu_1": np.zeros(3)})
    return load(source).inputs["features_1"]


def test_a_folder_of_loose_files_is_read_and_a_pack_of_it_says_the_same(tmp_path: Path) -> None:
    mean = features(tmp_path / "draw").mean(0, dtype=np.float64)
    source = written(tmp_path / "loose", {"mu_1": mean})
    assert run(source).status == "passed"
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "own.tar.xz").write_bytes(packed([source]))
    (again,) = find(tmp_path / "packs")
    assert packed([again]) == packed([source])
    assert run(again) == run(source)
    assert find(tmp_path / "packs", "own") == find(tmp_path / "packs", "metrics/*") == [again]
    assert not find(tmp_path / "packs", "other")


def test_a_wrong_value_fails(tmp_path: Path) -> None:
    mean = features(tmp_path / "draw").mean(0, dtype=np.float64)
    assert run(written(tmp_path / "wrong", {"mu_1": mean * (1 + 1e-8)})).status == "failed"


def test_what_no_list_names_fails(tmp_path: Path) -> None:
    lacking = run(written(tmp_path / "output", {"median": np.zeros(3)}))
    nobody = run(written(tmp_path / "source", {"mu_1": np.zeros(3)}, source="nobody/nothing@0"))
    assert (lacking.status, nobody.status) == ("failed", "failed")
    assert "median" in lacking.reason
