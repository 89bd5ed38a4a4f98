"""The user's mistakes."""

from sdm_bench.base.errors import PartialFailure, UserError, unknown_name


def test_an_unknown_name_says_which_was_meant() -> None:
    error = unknown_name("dataset", "cityscape", ["cityscapes", "ade20k"])
    assert error.message == "Unknown dataset 'cityscape'. Did you mean 'cityscapes'? Available: ade20k, cityscapes."
    assert "Did you mean" not in unknown_name("dataset", "xyz", ["cityscapes"]).message


def test_exit_codes_tell_usage_from_failed_cells() -> None:
    assert (UserError("").exit_code, PartialFailure("").exit_code) == (2, 1)
