"""Downloads through torchvision, with their errors in one line."""

from __future__ import annotations

from collections.abc import Callable

from scaling_search.errors import UserError


def download(name: str, fetch: Callable[[], object]) -> None:
    """Run a torchvision download; raises UserError when the network or the disk refuses."""
    try:
        fetch()
    except (OSError, RuntimeError, EOFError) as error:  # URLError is an OSError
        reason = " ".join(str(error).split())
        raise UserError(
            f"{name} must be downloaded, got {reason or type(error).__name__}: "
            "try again, or fetch it elsewhere and name its folder with --root"
        ) from error
