"""One training on several processes: gradients and batch statistics are those of the whole batch.

Each process has an equal share of every batch. The gradient of the mean loss is the mean of the processes' gradients; a
batch norm sees the pixels of all of them. Both are done with plain sums over processes, on gloo as on NCCL: torch's
SyncBatchNorm runs on GPUs alone, and its DistributedDataParallel expects one forward pass a backward pass, where
discriminators have several.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sdm_bench.base.processes import rank_and_count

BUCKET = 64 * 2**20  # bytes of gradients that are summed at once


def synchronise(module: nn.Module) -> None:
    """Makes a network, the same on every process, part of one training: first weights, and batch norms over all."""
    if rank_and_count()[1] == 1:
        return
    for tensor in (*module.parameters(), *module.buffers()):
        distributed.broadcast(tensor.detach(), 0)
    for layer in module.modules():
        if type(layer) in SYNCHRONISED:
            layer.__class__ = SYNCHRONISED[type(layer)]


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replaces every gradient by its mean over the processes; one that no process has stays absent."""
    processes = rank_and_count()[1]
    if processes == 1:
        return
    every = [each for each in parameters if each.requires_grad]
    if not every:
        return
    has = torch.tensor([each.grad is not None for each in every], dtype=torch.int32, device=every[0].device)
    distributed.all_reduce(has, distributed.ReduceOp.MAX)
    for each, used in zip(every, has.tolist(), strict=True):
        if used and each.grad is None:
            each.grad = torch.zeros_like(each)
    for bucket in _buckets(each.grad for each in every if each.grad is not None):
        flat = torch.cat([gradient.flatten() for gradient in bucket])
        distributed.all_reduce(flat)
        flat /= processes
        for gradient, mean in zip(bucket, flat.split([each.numel() for each in bucket]), strict=True):
            gradient.copy_(mean.view_as(gradient))


def _buckets(gradients: Iterable[Tensor]) -> Iterator[list[Tensor]]:
    """Runs of gradients of one type, each run of about BUCKET bytes."""
    bucket: list[Tensor] = []
    size = 0
    for gradient in gradients:
        if bucket and (size >= BUCKET or gradient.dtype != bucket[0].dtype):
            yield bucket
            bucket, size = [], 0
        bucket.append(gradient)
        size += gradient.numel() * gradient.element_size()
    if bucket:
        yield bucket


class _SumOverProcesses(torch.autograd.Function):
    """The sum of a tensor over the processes, whose gradient is the sum of all processes' gradients."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        summed = values.clone()
        distributed.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        summed = gradients[0].contiguous().clone()
        distributed.all_reduce(summed)
        return summed


class _SynchronisedBatchNorm(_BatchNorm):
    """A batch norm over the batches of all processes, in float32; its keys are those of the layer it replaces."""

    def forward(self, x: Tensor) -> Tensor:
        """x (N, C, ...), of one size on every process."""
        if not self.training:
            return super().forward(x)
        self._check_input_dim(x)
        values = x.float()
        axes = [0, *range(2, x.dim())]
        shape = [1, -1] + [1] * (x.dim() - 2)
        count = values.numel() // values.shape[1] * rank_and_count()[1]
        mean = _sum(values.sum(axes)) / count
        centred = values - mean.view(shape)
        variance = _sum(centred.square().sum(axes)) / count
        if self.track_running_stats:
            self._track(mean.detach(), variance.detach() * count / max(count - 1, 1))
        normed = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            normed = normed * self.weight.view(shape) + self.bias.view(shape)
        return normed.to(x.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor) -> None:
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        for running, new in ((self.running_mean, mean), (self.running_var, variance)):
            assert running is not None
            running.lerp_(new.to(running.dtype), share)


def _sum(values: Tensor) -> Tensor:
    summed: Tensor = _SumOverProcesses.apply(values)
    return summed


class _BatchNorm1d(_SynchronisedBatchNorm, nn.BatchNorm1d):
    pass


class _BatchNorm2d(_SynchronisedBatchNorm, nn.BatchNorm2d):
    pass


SYNCHRONISED: dict[type, type[_SynchronisedBatchNorm]] = {nn.BatchNorm1d: _BatchNorm1d, nn.BatchNorm2d: _BatchNorm2d}
