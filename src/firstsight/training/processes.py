"""Several processes that share each batch, started by ``torchrun``.

Each embeds its own pictures of the batch; embeddings are gathered, and every process computes the whole
loss over all pairs. Gradients are those of one process on the same batch. Batch norms take their
statistics over each process's own pictures.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, distributed, nn

CPU: Final = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among all."""

    rank: int = 0
    count: int = 1
    device: torch.device = CPU

    @property
    def first(self) -> bool:
        """Whether this one writes and talks."""
        return self.rank == 0

    def gather(self, embeddings: Tensor, size: int) -> Tensor:
        """The embeddings of the whole batch in its order: (n, D) of places rank::count -> (size, D)."""
        if self.count == 1:
            return embeddings
        longest = -(-size // self.count)
        padded = nn.functional.pad(embeddings, (0, 0, 0, longest - len(embeddings)))
        # Function.apply is not declared as typed.
        parts: Tensor = _Gather.apply(padded, self.rank, self.count)  # type: ignore[no-untyped-call]
        return parts.transpose(0, 1).reshape(longest * self.count, -1)[:size]

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Every gradient becomes its mean over the processes."""
        if self.count > 1:
            for parameter in parameters:
                if parameter.grad is not None:
                    distributed.all_reduce(parameter.grad)
                    parameter.grad /= self.count

    def average_buffers(self, modules: Iterable[nn.Module]) -> None:
        """What batch norms have seen becomes its mean over the processes."""
        if self.count == 1:
            return
        found = [one for module in modules for one in module.buffers() if one.is_floating_point()]
        if found:
            # Many small ones: sent together they cost one exchange.
            together = torch.cat([one.flatten() for one in found])
            distributed.all_reduce(together)
            together /= self.count
            for one, mean in zip(found, torch.split(together, [one.numel() for one in found]), strict=True):
                one.copy_(mean.view_as(one))

    def agreed(self, measured: dict[str, float]) -> dict[str, float]:
        """What the first one measured: all must come to the same decisions."""
        if self.count == 1:
            return measured
        told = [measured]
        distributed.broadcast_object_list(told, 0)
        return told[0]

    def wait(self) -> None:
        """Until all are here."""
        if self.count > 1:
            distributed.barrier()


class _Gather(torch.autograd.Function):
    """(n, D) of each process -> (processes, n, D); its gradient is the sum over the processes."""

    @staticmethod
    def forward(context: Any, part: Tensor, rank: int, count: int) -> Tensor:
        context.rank = rank
        parts = [torch.empty_like(part) for _ in range(count)]
        distributed.all_gather(parts, part.contiguous())
        return torch.stack(parts)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        whole = gradient.contiguous()
        distributed.all_reduce(whole)
        return whole[context.rank], None, None


@contextmanager
def joined() -> Iterator[Processes]:
    """This process among those that ``torchrun`` started; alone without it."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    cuda = torch.cuda.is_available()
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", local) if cuda else torch.device("cpu")
    if count == 1:
        yield Processes(device=device)
        return
    if cuda:
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if cuda else "gloo")
    try:
        yield Processes(distributed.get_rank(), count, device)
    finally:
        distributed.destroy_process_group()
