"""Released checkpoints in the packs of their authors."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.base.torchfiles import bare
from sdm_bench.weights.packs import released


def checkpoint(value: float, prefix: str = "") -> bytes:
    stream = io.BytesIO()
    torch.save({f"{prefix}weight": torch.full((2,), value)}, stream)
    return stream.getvalue()


def tar(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def value(path: Path, dataset: str) -> float:
    with released(path, dataset) as files:
        generator, _ = files.tensors()
    return float(generator["weight"][0])


def test_a_tar_of_several_datasets_gives_the_one_asked_for(tmp_path: Path) -> None:
    path = tar(
        tmp_path / "checkpoints.tar.gz",
        {
            "coco_pretrained/latest_net_G.pth": checkpoint(1),
            "ade20k_pretrained/latest_net_G.pth": checkpoint(2),
            "cityscapes_pretrained/latest_net_G.pth": checkpoint(3),
            "cityscapes_pretrained/latest_net_D.pth": checkpoint(4),
        },
    )
    assert [value(path, name) for name in ("coco_stuff", "ade20k", "cityscapes")] == [1, 2, 3]
    with pytest.raises(UserError, match=r"nothing for celebamask_hq in it; found ade20k_pretrained/latest_net_G\.pth"):
        value(path, "celebamask_hq")


def test_the_average_is_taken_and_the_best_of_several_moments(tmp_path: Path) -> None:
    names = ("latest_EMA", "best_G", "best_EMA", "20000_EMA", "best_D")
    members = {f"oasis_ade20k/models/{name}.pth": checkpoint(k) for k, name in enumerate(names)}
    assert value(zipped(tmp_path / "oasis_ade20k_pretrained.zip", members), "ade20k") == 2


def test_an_archive_inside_an_archive_and_a_folder_are_opened_too(tmp_path: Path) -> None:
    inner = tar(tmp_path / "inner.tar.gz", {"cs_best/200_net_G.pth": checkpoint(7)}).read_bytes()
    assert value(tar(tmp_path / "outer.tar", {"checkpoints/all.tar.gz": inner}, "w"), "cityscapes") == 7
    folder = tmp_path / "label2city_1024p"
    folder.mkdir()
    (folder / "latest_net_G.pth").write_bytes(checkpoint(8, "module."))
    assert value(folder, "cityscapes") == 8


def test_an_encoder_comes_with_its_generator(tmp_path: Path) -> None:
    (tmp_path / "best_net_G.pth").write_bytes(checkpoint(1))
    (tmp_path / "best_net_IE.pth").write_bytes(checkpoint(2, "module."))
    for path in (tmp_path, tmp_path / "best_net_G.pth"):
        with released(path, "ade20k") as files:
            generator, encoder = files.tensors()
        assert (float(generator["weight"][0]), float(encoder["weight"][0])) == (1, 2)


def test_a_pack_that_leaves_a_choice_or_none_is_refused(tmp_path: Path) -> None:
    two = {f"{name}/best_net_G.pth": checkpoint(0) for name in ("ade20k", "ade20k_dist")}
    with pytest.raises(UserError, match=r"several generators in it; .* ade20k/best_net_G\.pth, ade20k_dist/best_net_G"):
        value(zipped(tmp_path / "clade.zip", two), "ade20k")
    with pytest.raises(UserError, match=r"no generator in it; expected a file like latest_net_G\.pth"):
        value(zipped(tmp_path / "empty.zip", {"readme.txt": b"hello"}), "ade20k")


def test_nothing_is_written_outside_the_folder(tmp_path: Path) -> None:
    path = tar(tmp_path / "evil.tar", {"../../evil_net_G.pth": checkpoint(1), "/abs_net_G.pth": checkpoint(2)}, "w")
    with pytest.raises(UserError, match="several generators"):
        value(path, "ade20k")
    assert not any(tmp_path.parent.rglob("evil_net_G.pth"))


def test_prefixes_go_when_every_key_has_them() -> None:
    both = {"module.netG.a": torch.zeros(1), "module.netG.b": torch.zeros(1)}
    assert list(bare(both)) == ["a", "b"]
    assert list(bare({"module.a": torch.zeros(1), "b": torch.zeros(1)})) == ["module.a", "b"]
