"""Edits: outside nothing changes, inside all does; a seed decides; options that do nothing are refused."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from cli import main
from sdm_bench.base.drawing import to_uint8
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_json, write_json, write_png
from sdm_bench.base.finite import NotFinite
from sdm_bench.checkpoints.generators import WeightsSpec, load_generator
from sdm_bench.checkpoints.shipped import shipped_weights
from sdm_bench.conditioning import Condition
from sdm_bench.datasets.base import ClassTable
from sdm_bench.datasets.pairs import EditPair, PairFiles, pairs_in, read_pair
from sdm_bench.datasets.transforms import Transform
from sdm_bench.diffusion.editing import Inpainting
from sdm_bench.sampling.edit import edit_pictures, open_editor
from sdm_bench.sampling.edit_folders import EditFolder
from sdm_bench.sampling.editor import Editor, InpaintingChoice, reader_of
from sdm_bench.sampling.folders import SampleFolder
from sdm_bench.sampling.synthesizers import SamplingOptions
from tests.several import together as in_two

FAST = SamplingOptions(solver="ddim", solver_steps=2, guidance=1.0)
SDM = WeightsSpec(method="sdm", checkpoint="toy")


@pytest.fixture(scope="module")
def pairs(toy_pairs: Path) -> list[EditPair]:
    transform = Transform("sdm", (32, 64), keeps_aspect=True, training=False)
    trained = load_generator("toy", "sdm")
    return [read_pair(reader_of(trained, None, None), files, transform) for files in pairs_in(toy_pairs)]


Make = Callable[..., Editor]


@pytest.fixture(scope="module")
def make() -> Make:
    def editor(how: Inpainting | None = None, paste: bool = True, sampling: SamplingOptions = FAST) -> Editor:
        return Editor(load_generator("toy", "sdm"), sampling, how or Inpainting(), paste, "cpu")

    return editor


def picture(pair: EditPair) -> np.ndarray:
    assert pair.source.image is not None
    return pair.source.image


@pytest.mark.parametrize("how", [Inpainting(), Inpainting("before", 1, 2), Inpainting(strength=0.5)])
def test_outside_nothing_changes_and_inside_it_does(how: Inpainting, make: Make, pairs: list[EditPair]) -> None:
    made = make(how).edit(pairs, 0)
    for pair, pixels in zip(pairs, made, strict=True):
        assert pixels.dtype == np.uint8
        assert (pixels == picture(pair))[~pair.erased].all()
        assert (pixels != picture(pair)).any(axis=2)[pair.erased].mean() > 0.9


def test_without_paste_a_merge_after_keeps_8_bits_outside_and_a_merge_before_does_not(
    make: Make, pairs: list[EditPair]
) -> None:
    outside = ~pairs[0].erased
    after = make(Inpainting(), paste=False).edit(pairs[:2], 0)[0]
    before = make(Inpainting("before"), paste=False).edit(pairs[:2], 0)[0]
    assert (after == picture(pairs[0]))[outside].all()
    assert (before != picture(pairs[0]))[outside].any()


@pytest.mark.parametrize("solver", ["ddpm", "dpm-solver++", "dpm-solver++-sde", "unipc"])
def test_every_solver_edits(solver: str, make: Make, pairs: list[EditPair]) -> None:
    sampling = SamplingOptions(solver=solver, solver_steps=2, guidance=1.5)
    made = make(sampling=sampling).edit(pairs[:2], 0)
    assert (made[0] == picture(pairs[0]))[~pairs[0].erased].all()
    assert (made[0] != picture(pairs[0]))[pairs[0].erased].any()


def test_an_edit_depends_on_its_seed_alone(make: Make, pairs: list[EditPair]) -> None:
    editor = make(Inpainting("after", 1, 2), sampling=replace(FAST, solver="ddpm"))
    together = editor.edit(pairs, 3)
    assert (editor.edit([pairs[2], pairs[0], pairs[1]], 3) == together[[2, 0, 1]]).all()
    assert (editor.edit(pairs, 4) != together).any(axis=(1, 2, 3)).all()


def test_every_state_is_seen_and_what_is_raised_ends_the_work(make: Make, pairs: list[EditPair]) -> None:
    editor, seen = make(Inpainting("after", 1, 3)), list[int]()
    editor.edit(pairs[:2], 0, lambda state: seen.append(len(state.sample)))
    assert seen == [2] * editor.evaluations == [2] * (2 + 1 * 2 * 1)

    def stop(state: object) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        editor.edit(pairs[:2], 0, stop)


def test_a_picture_of_nan_is_not_written(make: Make, pairs: list[EditPair], monkeypatch: pytest.MonkeyPatch) -> None:
    editor = make()
    monkeypatch.setattr(
        type(editor.synthesizer), "denoiser", lambda self, condition: lambda x, t: torch.full((2, 6, 32, 64), torch.nan)
    )
    with pytest.raises(NotFinite, match=r"NaN or Inf in the pictures of toyville.*, seed 0"):
        editor.edit(pairs[:2], 0)


def edit(folder: Path, out: Path, seeds: list[int], **changes: object) -> Path:
    margin = int(changes.pop("margin", 0))  # type: ignore[call-overload]
    arguments: dict = {"weights": SDM, "sampling": FAST, "choice": InpaintingChoice(), "device": "cpu"}
    return edit_pictures(open_editor(**arguments | changes), pairs_in(folder), out, seeds, "typed", margin)


def test_a_folder_is_whole_resumes_and_says_how_it_was_made(toy_pairs: Path, tmp_path: Path) -> None:
    edit(toy_pairs, tmp_path, [0])
    target = EditFolder(tmp_path)
    ids = [files.id for files in pairs_in(toy_pairs)]
    first = {id: target.sample(id, 0).read_bytes() for id in ids}
    about = read_json(tmp_path / "edit.json")
    assert (
        about["options"] | {"merge": "after", "way": "inpainting", "paste": True, "batch_size": 3} == about["options"]
    )
    assert (about["seeds"], about["evaluations"], about["command"]) == ([0], 2, "typed")
    assert set(about["versions"]) >= {"torch", "diffusers"}
    target.sample(ids[1], 0).unlink()
    edit(toy_pairs, tmp_path, [0, 1])
    assert {id: target.sample(id, 0).read_bytes() for id in ids} == first
    assert target.seeds() == [0, 1]
    pictures = target.pictures()
    assert [record.id for record in pictures.records] == ids
    read = pictures.edit(0)
    assert (read.erased == (read.label != read.example.label)).all()
    assert pictures.classes.digest() == ClassTable.shipped("cityscapes").digest()


def test_two_processes_share_the_edits_of_one(toy_pairs: Path, tmp_path: Path) -> None:
    chosen = ["edit", "--method", "sdm", "--checkpoint", "toy", "--pairs", str(toy_pairs), "--solver-steps", "2"]
    chosen += ["--batch-size", "3", "--seeds", "0-1", "--device", "cpu", "--out"]
    program = "import sys\nfrom cli import main\nmain(sys.argv[1:])\n"
    CliRunner().invoke(main, [*chosen, str(tmp_path / "one")], catch_exceptions=False)
    for each in in_two(program, *chosen, str(tmp_path / "two")):
        assert each.code == 0, each.err
        assert "two: 3 edits written" in each.err
    one, two = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.png")}
        for name in ("one", "two")
    )
    assert len(one) > 6
    assert two == one


def test_edits_made_otherwise_are_not_mixed(toy_pairs: Path, tmp_path: Path) -> None:
    edit(toy_pairs, tmp_path / "a", [0])
    with pytest.raises(UserError, match=r"holds samples made otherwise:\n  strength: 1.0 there, 0.5 asked for"):
        edit(toy_pairs, tmp_path / "a", [0], choice=InpaintingChoice(strength=0.5))
    (tmp_path / "run").mkdir()
    write_json(tmp_path / "run" / "run.json", {})
    assert SampleFolder(tmp_path / "run").exists
    with pytest.raises(UserError, match="holds samples of `sdm-bench generate`"):
        edit(toy_pairs, tmp_path / "run", [0])


def test_a_folder_whose_files_changed_is_refused(toy_pairs: Path, tmp_path: Path) -> None:
    edit(toy_pairs, tmp_path, [0])
    target = EditFolder(tmp_path)
    mask = next((tmp_path / "masks").iterdir())
    Image.fromarray(np.zeros((32, 64), np.uint8)).save(mask)
    with pytest.raises(UserError, match=rf"masks/{mask.name}: changed since it was edited"):
        target.pictures()
    mask.unlink()
    with pytest.raises(UserError, match=rf"masks/{mask.name}: missing"):
        target.pictures()


def test_other_files_in_the_place_of_maps_are_neither_taken_nor_overwritten(toy_pairs: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "labels" / f"{pairs_in(toy_pairs)[1].id}.png"
    write_png(theirs, np.zeros((32, 64), np.uint8))
    before = theirs.read_bytes()
    with pytest.raises(UserError, match=rf"labels/{theirs.name}: there, with other content than is edited"):
        edit(toy_pairs, tmp_path, [0])
    assert theirs.read_bytes() == before
    assert not EditFolder(tmp_path).exists


def test_what_an_edit_left_that_ended_before_its_record_is_no_other_edits(toy_pairs: Path, tmp_path: Path) -> None:
    edit(toy_pairs, tmp_path, [0])
    shutil.rmtree(tmp_path / "samples")
    (tmp_path / "edit.json").unlink()
    with pytest.raises(UserError, match=r"masks/toyville.*: there, with other content than is edited"):
        edit(toy_pairs, tmp_path, [0], margin=2)
    edit(toy_pairs, tmp_path, [0])
    assert len(EditFolder(tmp_path).pictures()) == 3


def test_samples_that_nothing_is_known_of_are_not_taken_as_edits(toy_pairs: Path, tmp_path: Path) -> None:
    edit(toy_pairs, tmp_path, [0])
    (tmp_path / "edit.json").unlink()
    with pytest.raises(UserError, match=r"samples/seed-000/.*: there, but no edit.json says how it was made"):
        edit(toy_pairs, tmp_path, [0])


def test_a_gan_edits_by_re_synthesis_and_says_so(
    toy_pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spade = WeightsSpec(method="spade", checkpoint="toy")
    edit(toy_pairs, tmp_path, [0], weights=spade, sampling=SamplingOptions())
    options = EditFolder(tmp_path).options()
    assert options.variant_title == "re-synthesis"
    assert options.solver is None
    assert "spade edits by re-synthesis" in capsys.readouterr().err
    pair = EditFolder(tmp_path).pictures().edit(0)
    made = np.asarray(Image.open(EditFolder(tmp_path).sample(pair.example.id, 0)))
    assert pair.example.image is not None
    assert (made == pair.example.image)[~pair.erased].all()
    assert (made != pair.example.image)[pair.erased].any()


def test_an_encoder_looks_at_the_picture_that_is_edited(pairs: list[EditPair], monkeypatch: pytest.MonkeyPatch) -> None:
    trained = load_generator("toy", "spade")
    trained.network.encoder = torch.nn.Identity()
    editor = Editor(trained, SamplingOptions(), None, device="cpu")
    seen: list[Condition] = []

    def synthesize(condition: Condition, generators: object) -> torch.Tensor:
        seen.append(condition)
        return torch.zeros(len(condition), 3, 32, 64)

    monkeypatch.setattr(editor.synthesizer, "synthesize", synthesize)
    editor.edit(pairs, 0)
    style = seen[0].style
    assert style is not None
    assert (to_uint8(style.numpy()) == np.stack([picture(pair) for pair in pairs])).all()
    assert (seen[0].label.numpy() == np.stack([pair.edited.label for pair in pairs])).all()


def test_titles_say_what_differs_from_the_default(toy_pairs: Path, tmp_path: Path) -> None:
    choice = InpaintingChoice("before", 1, 2, 0.9)
    edit(toy_pairs, tmp_path, [0], choice=choice, margin=2, paste=False)
    options = EditFolder(tmp_path).options()
    assert options.solver_title == "ddim merged before jumps 1x2 strength 0.9"
    assert options.variant_title == "margin 2, not pasted"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"choice": InpaintingChoice(jump_length=3)}, r"--jump-length 3: does nothing without --jump-samples"),
        ({"choice": InpaintingChoice(strength=2.0)}, r"--strength 2: expected a share"),
        (
            {"choice": InpaintingChoice(jump_samples=2), "sampling": SamplingOptions("unipc", 2)},
            r"--jump-samples 2: unipc builds on",
        ),
        (
            {"weights": WeightsSpec(method="spade", checkpoint="toy"), "choice": InpaintingChoice("after")},
            r"--merge: spade is a GAN, which edits by re-synthesis",
        ),
        (
            {"dataset": "ade20k", "weights": WeightsSpec(checkpoint=str(shipped_weights("spade", "cityscapes")))},
            r"--dataset ade20k: .* was trained on cityscapes",
        ),
        ({"data": Path("here")}, r"--data here: the classes of cityscapes are known"),
    ],
)
def test_what_does_nothing_is_refused(
    changes: dict[str, object], expected: str, toy_pairs: Path, tmp_path: Path
) -> None:
    sampling = {} if "weights" not in changes else {"sampling": SamplingOptions()}
    with pytest.raises(UserError, match=expected):
        edit(toy_pairs, tmp_path / "out", [0], **sampling | changes)
    assert not (tmp_path / "out").exists()


def test_a_network_with_edges_wants_instances(toy_pairs: Path, tmp_path: Path) -> None:
    files = [PairFiles(each.id, each.image, each.label, each.edited) for each in pairs_in(toy_pairs)]
    with pytest.raises(UserError, match=r"labels/.*: no instance map; .* wants one \(--instances"):
        edit_pictures(open_editor(SDM, FAST, InpaintingChoice(), device="cpu"), files, tmp_path, [0], "")
