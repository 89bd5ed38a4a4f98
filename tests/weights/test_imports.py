"""A file that the user brings is recognised by its digest, in any of the forms an entry can have."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sdm_bench.base.errors import UserError
from sdm_bench.base.tensors import tensors_sha256
from sdm_bench.weights import store
from sdm_bench.weights.imports import import_file
from sdm_bench.weights.registry import Entry
from sdm_bench.weights.sources import WrongDigest
from tests.weights.files import VALUES, entry, numpy_pickle, package, published, put, state, torch_file, wheel

BODY = torch_file(state())
MEMBER = "carrier/net.ckpt"
ARCHIVE = wheel({MEMBER: numpy_pickle()})


@pytest.fixture
def pinned(register: dict[str, Entry]) -> Entry:
    """An entry whose files are all known."""
    register["net"] = entry(
        published=(published("https://example.org/net.pth", BODY),),
        package=package("f.whl", ARCHIVE, MEMBER, numpy_pickle()),
        tensors_sha256=tensors_sha256(state()),
    )
    return register["net"]


@pytest.fixture
def unknown(register: dict[str, Entry]) -> Entry:
    """An entry whose digest nobody has published."""
    register["net"] = entry(published=(published("https://drive.example/net", by_hand=True),))
    return register["net"]


@pytest.mark.parametrize("body", [BODY, ARCHIVE, numpy_pickle()], ids=["published", "archive", "member"])
@pytest.mark.usefixtures("pinned")
def test_every_form_gives_the_same_tensors(tmp_path: Path, body: bytes) -> None:
    path = import_file("net", put(tmp_path / "brought", body))
    assert path == store.require(["net"])["net"]
    assert load_file(path)["layer.weight"].tolist() == VALUES.tolist()


@pytest.mark.usefixtures("pinned")
def test_a_converted_file_of_another_machine_is_known_by_its_tensors(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_file(state(), path, metadata={"written": "elsewhere"})
    assert load_file(import_file("net", path))["layer.weight"].tolist() == VALUES.tolist()
    save_file({"layer.weight": state()["layer.weight"] + 1}, path)
    with pytest.raises(WrongDigest, match="the tensors of net"):
        import_file("net", path)


def test_another_file_is_refused_with_what_was_expected(tmp_path: Path, pinned: Entry) -> None:
    with pytest.raises(WrongDigest) as caught:
        import_file("net", put(tmp_path / "brought", BODY + b"!"))
    assert pinned.package is not None
    for text in ("brought", "https://example.org/net.pth", pinned.package.sha256, pinned.package.member_sha256):
        assert text in caught.value.message
    assert store.provenance("net") is None


@pytest.mark.usefixtures("unknown")
def test_the_first_import_pins_what_nobody_has_published(tmp_path: Path) -> None:
    first = put(tmp_path / "first", BODY)
    path = import_file("net", first)
    assert import_file("net", first) == path
    other = put(tmp_path / "other", torch_file({"layer.weight": torch.zeros(300, 1000)}))
    with pytest.raises(WrongDigest, match="pinned on"):
        import_file("net", other)
    shutil.rmtree(path.parent)
    assert load_file(import_file("net", other))["layer.weight"].sum() == 0


@pytest.mark.usefixtures("unknown")
def test_an_absent_file_and_an_unknown_name_are_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere.pth: no such file"):
        import_file("net", tmp_path / "nowhere.pth")
    with pytest.raises(UserError, match="Unknown weights 'nets'"):
        import_file("nets", put(tmp_path / "f", BODY))
