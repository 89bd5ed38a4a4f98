"""Papers and code: every method has lines with sources, and the page is made from them."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import main
from sdm_bench.base.errors import UserError
from sdm_bench.models.methods import METHODS, method, preset
from sdm_bench.models.paper_and_code import SILENT, page, statements

PAGE = Path(__file__).parents[2] / "docs" / "paper-and-code.md"
COMMIT = re.compile(r"\b([0-9a-f]{7}) ")


def test_the_page_is_what_the_file_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "python -m sdm_bench.models.paper_and_code > docs/paper-and-code.md"
    )


@pytest.mark.parametrize("name", METHODS)
def test_every_line_has_sources_at_the_commit_that_the_method_names(name: str) -> None:
    found = statements(name)
    assert found
    assert len({each.topic for each in found}) == len(found)
    for each in found:
        assert each.sources, each.topic
        assert each.paper or each.code, each.topic
        cells = [each.topic, each.paper or "", each.code or "", each.ours, *each.sources]
        assert not any("|" in cell or "\n" in cell for cell in cells), each.topic
        known = {method(name).original.partition("@")[2], method("spade").original.partition("@")[2]}
        assert {commit for source in each.sources for commit in COMMIT.findall(source)} <= known, each.topic


def test_what_is_said_of_us_is_so() -> None:
    spade, inade, oasis = (preset(name, "paper", "cityscapes") for name in ("spade", "inade", "oasis"))
    assert spade.training.betas == (0.0, 0.9)
    assert (spade.training.learning_rate, spade.training.discriminator_learning_rate) == (1e-4, 4e-4)
    assert inade.discriminator is not None
    assert oasis.discriminator is not None
    assert (inade.discriminator.vgg_weights[:3], inade.discriminator.feature_from) == ((0, 0, 0), 3)
    assert (oasis.training.learning_rate, oasis.discriminator.lambda_labelmix) == (4e-4, 5)
    assert (oasis.training.ema_decay, oasis.training.batch_size) == (0.999, 20)
    ccfpse, scgan = preset("ccfpse", "paper", "ade20k"), preset("scgan", "paper", "coco_stuff")
    assert ccfpse.discriminator is not None
    assert ccfpse.discriminator.lambda_feature == 20
    assert (scgan.network["convolution_experts"], scgan.network["norm_experts"]) == (2, 3)
    assert preset("dagan", "paper", "celebamask_hq").image_size == 256
    assert preset("groupdnet", "paper", "ade20k").training.batch_size == 4
    sdm = preset("sdm", "paper", "ade20k")
    assert (sdm.sampling.solver, sdm.sampling.solver_steps, sdm.sampling.guidance) == ("ddpm", 1000, 1.5)


def test_the_command_prints_the_lines_of_a_method() -> None:
    result = CliRunner().invoke(main, ["methods", "show", "spade"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("SPADE: NVlabs/SPADE@fecacc9")
    assert "  paper: beta_1 = 0 and beta_2 = 0.999\n  code:  betas 0 and 0.9 by default\n" in result.output
    assert SILENT in result.output
    with pytest.raises(UserError, match="Unknown method 'spode'"):
        statements("spode")
