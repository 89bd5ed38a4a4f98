"""Edits of a session: the same as those of the command, one at a time, saved as it saves them."""

from pathlib import Path

import numpy as np
import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.pictures import read_image
from sdm_bench.drawing.draw import draw
from sdm_bench.drawing.session import Busy, Session
from sdm_bench.evaluation.evaluate import Evaluation, evaluate
from sdm_bench.sampling.edit import OpenedEditor, edit_pictures
from sdm_bench.sampling.edit_folders import EditFolder
from tests.drawing.served import finished, serving, toy_editor

CAR = 26


@pytest.fixture(scope="module")
def opened() -> OpenedEditor:
    return toy_editor()


@pytest.fixture
def session(opened: OpenedEditor, tmp_path: Path) -> Session:
    server = draw(opened, None, None, None, tmp_path / "out")
    server.server_close()
    return server.session


def painted(session: Session) -> np.ndarray:
    label = session.source.label.copy()
    label[18:28, 20:40] = CAR
    return label


def test_an_edit_is_that_of_the_command(opened: OpenedEditor, toy_pairs: Path, tmp_path: Path) -> None:
    from sdm_bench.datasets.pairs import pairs_in, read_pair

    files = pairs_in(toy_pairs)[0]
    edit_pictures(opened, [files], tmp_path / "command", [3], "", margin=1)
    expected = read_image(EditFolder(tmp_path / "command").sample(files.id, 3))
    server = draw(opened, files.image, files.label, files.instance, tmp_path / "out")
    server.server_close()
    pair = read_pair(opened.reader, files, opened.transform)
    job = finished(server.session, server.session.start(pair.edited.label, [3], 1))
    assert (job.state, job.error) == ("done", "")
    assert (job.pictures[3] == expected).all()


def test_what_is_saved_is_a_folder_of_edits_that_can_be_measured(session: Session) -> None:
    number = session.start(painted(session), [0, 5], 1)
    job = finished(session, number)
    assert (job.done, job.steps, list(job.pictures)) == (4, 4, [0, 5])
    folder = session.save(number)
    assert session.save(number) == folder
    assert folder.name == "drawn-001"
    edit = EditFolder(folder).pictures().edit(0)
    assert (edit.example.label == painted(session)).all()
    assert (edit.erased == job.pair.erased).all()
    assert (read_image(EditFolder(folder).sample("toy", 5)) == job.pictures[5]).all()
    rows, failures = evaluate(Evaluation(["edit"], folder, device="cpu", stored=False))
    assert not failures
    assert {row.seeds for row in rows} == {"0,5"}
    second = session.start(painted(session), [0], 0)
    finished(session, second)
    assert session.save(second).name == "drawn-002"


def test_one_edit_at_a_time_and_a_cancelled_one_ends(tmp_path: Path) -> None:
    with serving(toy_editor(500), tmp_path) as server:
        session = server.session
        number = session.start(painted(session), [0], 0)
        with pytest.raises(Busy):
            session.start(painted(session), [1], 0)
        session.cancel()
        job = finished(session, number)
        assert job.state == "cancelled"
        assert job.done < 500
        with pytest.raises(UserError, match="edit 0: cancelled; only what is done is saved"):
            session.save(number)


def test_a_failure_is_said(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise UserError("no memory")

    monkeypatch.setattr(type(session.opened.editor), "edit", fail)
    job = finished(session, session.start(painted(session), [0], 0))
    assert (job.state, job.error) == ("failed", "no memory")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"label": np.zeros((2, 2), np.int64)}, "expected 32 rows of 64 classes 0..34"),
        ({"label": np.full((32, 64), 35)}, r"classes 0..34"),
        ({"label": None}, "nothing is painted"),
        ({"seeds": []}, "expected one to 8 numbers"),
        ({"seeds": [-1]}, "expected one to 8 numbers"),
        ({"margin": 65}, "margin 65: expected 0 to 64"),
    ],
)
def test_what_cannot_be_edited_is_refused(changes: dict, expected: str, session: Session) -> None:
    asked = {"label": painted(session), "seeds": [0], "margin": 0, **changes}
    label = session.source.label if asked["label"] is None else asked["label"]
    with pytest.raises(UserError, match=expected):
        session.start(label, asked["seeds"], asked["margin"])
    with pytest.raises(UserError, match="edit 7: there are 0"):
        session.job(7)


def test_a_picture_needs_its_maps(opened: OpenedEditor, toy_pairs: Path, tmp_path: Path) -> None:
    image, label = (next((toy_pairs / name).iterdir()) for name in ("images", "labels"))
    with pytest.raises(UserError, match="LABELS: which is the label map of"):
        draw(opened, image, None, None, tmp_path)
    with pytest.raises(UserError, match=r"--instances: .* wants the map's"):
        draw(opened, image, label, None, tmp_path)


def test_a_port_in_use_is_said(opened: OpenedEditor, tmp_path: Path) -> None:
    with serving(opened, tmp_path) as server, pytest.raises(UserError, match=rf"--port {server.server_port}: Address"):
        draw(opened, None, None, None, tmp_path, server.server_port)
