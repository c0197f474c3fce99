"""Lack of memory: how the libraries word it, and what can be given back before another try."""

from __future__ import annotations

import gc

import torch

# Each in its own words, in exceptions that are also used for all else.
_WORDS = (
    "can't allocate memory",  # torch's allocator on a CPU
    "out of memory",  # CUDA's own calls, as torch.AcceleratorError or as a bare RuntimeError
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "unable to find an engine",  # cuDNN, when no algorithm's workspace fits
)


def lacks_memory(error: BaseException) -> bool:
    """Whether the error says that the device or the machine has no memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS)


def give_back(device: torch.device) -> None:
    """Collect what nothing refers to any more, and return a GPU's cached memory to all.

    An exception that is being handled refers to whatever its functions held: call it afterwards.
    """
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def others_bytes(device: torch.device) -> int:
    """The bytes of a GPU that this process's tensors don't take: other processes, and contexts.

    A context is about half a GiB a process. 0 on a CPU, where nothing tells whose memory it is.
    """
    if device.type != "cuda":
        return 0
    free, total = torch.cuda.mem_get_info(device)
    return max(0, total - free - torch.cuda.memory_reserved(device))
