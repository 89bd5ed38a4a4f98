"""Parity of the evaluation segmenters with their reference implementations."""

from typing import Any

import torch

from segmenters.unet import WIDTHS, face_parsing_unet, from_released, to_released
from tests.parity.cases import Case, NotSupportedError, weight


def face_unet(case: Case) -> dict[str, Any]:
    """Keys, shapes and scores of the face-parsing U-Net."""
    about = case.arguments["unet"]
    if not (about["is_deconv"] and about["is_batchnorm"]) or WIDTHS[0] % about["feature_scale"]:
        raise NotSupportedError(f"U-Net options {about}")
    model = face_parsing_unet(about["n_classes"], about["feature_scale"])
    ours = {key: list(value.shape) for key, value in to_released(model.state_dict()).items()}
    assert ours == dict(case.about["state_dict"]), "state-dict keys or shapes differ"
    drawn = {key: torch.from_numpy(weight(key, tuple(shape))) for key, shape in case.about["state_dict"]}
    model.load_state_dict(from_released(drawn))
    with torch.no_grad():
        return {"scores": model.eval()(case.tensor("x"))}


HANDLERS = [(lambda case: "face_parsing/unet.py" in case.about["source"], face_unet)]
