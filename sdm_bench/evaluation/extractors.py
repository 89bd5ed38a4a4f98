"""The networks that features come from: built once an evaluation, from weights whose digest is checked."""

from typing import TYPE_CHECKING

from sdm_bench.evaluation.context import EvaluationContext
from sdm_bench.metrics.efficientnet import EFFICIENTNET_LITE0, efficientnet_extractor
from sdm_bench.metrics.features import INCEPTION, Extractor, inception_extractor
from sdm_bench.protocols.protocols import Protocol
from sdm_bench.weights.store import load_weights

if TYPE_CHECKING:
    from sdm_bench.base.tensors import Tensors


def extractor_of(context: EvaluationContext, name: str, resize: str) -> Extractor:
    """The extractor that a protocol names, with its resizing; raises UserError where its weights are others."""
    key = (name, resize, context.protocol.weights.get(name, ""))
    if key not in context.shared.extractors:
        context.shared.extractors[key] = load_extractor(context.protocol, name, resize, str(context.device))
    return context.shared.extractors[key]


def load_extractor(protocol: Protocol, name: str, resize: str, device: str) -> Extractor:
    """The network `name`, an entry of the weights' registry. resize: of Inception; others have their own."""
    weights = pinned_weights(protocol, name)
    if name == INCEPTION:
        return inception_extractor(weights, resize, device)
    if name == EFFICIENTNET_LITE0:
        return efficientnet_extractor(weights, device)
    from sdm_bench.metrics.vit import vit_extractor

    return vit_extractor(name, weights, device)


def pinned_weights(protocol: Protocol, name: str) -> "Tensors":
    """The cached tensors called `name`; raises UserError where they are not those that the protocol pins."""
    return load_weights([name], protocol.weights)[name]
