"""The shipped registry, and how a row of it is checked."""

import pytest
from pydantic import ValidationError

from sdm_bench.base.errors import UserError
from sdm_bench.weights import registry

ROW = "{purpose: a test, licence: MIT, published: [{address: 'https://example.org/a.pth', sha256: %s}]}"


# Files that were never at hand when the registry was written; no package holds them, a published digest pins them.
UNMEASURED = {"vgg19"}


def test_everything_that_can_be_fetched_is_pinned_and_says_what_it_holds() -> None:
    for each in registry.registry().values():
        if each.fetchable:
            assert each.pinned, each.name
            assert each.holds, each.name
            assert (each.tensors_sha256 is None) is (each.name in UNMEASURED), each.name


def test_the_published_names_carry_the_digests() -> None:
    for name in ("inception-2015-12-05", "lpips-alex", "lpips-vgg"):
        for source in registry.entry(name).published:
            assert source.address.endswith(f"-{source.sha256}.pth")


def test_what_no_program_can_download_is_marked() -> None:
    assert [name for name, each in registry.registry().items() if not each.fetchable] == [
        "celebamask-hq-unet",
        "face-parsing-unet-lite",
        "cityscapes-drn-d-105",
        "ade20k-upernet101-encoder",
        "ade20k-upernet101-decoder",
        "coco-stuff-deeplabv2-resnet101",
        "ade20k-mask2former-swin-l",
        "cityscapes-mask2former-swin-l",
        "dinov2-vit-l-14",
        "clip-vit-b-32",
        "clip-vit-l-14-336",
        "clip-vit-b-16",
    ]
    assert not registry.entry("celebamask-hq-unet").pinned


def test_an_entry_of_three_lines_is_a_state_dict_at_an_address() -> None:
    each = registry.parse(f"net: {ROW % 'abcdef01'}")["net"]
    assert (each.name, each.fetchable, each.pinned) == ("net", True, True)
    assert (each.published[0].reader, each.published[0].convert) == ("torch", "state_dict")


@pytest.mark.parametrize("digest", ["abcdef0", "ABCDEF01", "'xyz12345'"])
def test_a_digest_is_at_least_eight_hex_digits(digest: str) -> None:
    with pytest.raises(ValidationError, match="sha256"):
        registry.parse(f"net: {ROW % digest}")


def test_a_misspelt_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="license"):
        registry.parse("net: {purpose: a test, license: MIT}")


def test_entries_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        registry.entry("lpips-alex").licence = "mine"


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UserError, match="Did you mean 'lpips-alex'"):
        registry.entry("lpips-alexnet")
    with pytest.raises(UserError, match="Unknown weights 'x'"):
        registry.entries_of(["lpips-vgg", "x"])
