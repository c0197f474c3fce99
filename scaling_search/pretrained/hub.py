"""torchvision's weights: looked for in torch hub's cache, fetched only where that is asked for."""

from __future__ import annotations

import hashlib
import re
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import torch

from scaling_search.core.errors import UserError
from scaling_search.pretrained.preprocessing import PublishedWeights

TextReport = Callable[[str], None]
_CHECKSUM = re.compile(r"-([0-9a-f]{8,64})\.pth$")


def torchvision_file(row: PublishedWeights, *, download: bool, report: TextReport) -> Path:
    """Where the weights of this row lie, of the checksum that their name tells.

    Raises UserError where they are absent and `download` is not asked for, where they can't be
    fetched, and where their bytes are others.
    """
    from torchvision.models import get_model_weights

    return cached_file(get_model_weights(row.model)[row.weights].url, row.network, download, report)


def cached_file(url: str, network: str, download: bool, report: TextReport) -> Path:
    """The file of this URL in torch hub's cache; as `torchvision_file`."""
    name = Path(urllib.parse.urlsplit(url).path).name
    path = Path(torch.hub.get_dir()) / "checkpoints" / name
    if not path.is_file():
        if not download:
            raise UserError(
                f"the weights of {network} must lie in {path}, got none: "
                f"--download fetches them from {url}"
            )
        report(f"fetching the weights of {network} from {url}")
        _fetch(url, path, network)
    elif not _is_whole(path):
        raise UserError(
            f"{path} must have the checksum that its name tells, got another: "
            "delete it and add --download"
        )
    return path


def _fetch(url: str, path: Path, network: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    match = _CHECKSUM.search(path.name)
    try:
        # Written beside and renamed once its SHA-256 begins as it must.
        torch.hub.download_url_to_file(url, str(path), match and match[1], progress=False)
    except (OSError, RuntimeError) as error:  # URLError is an OSError
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(
            f"the weights of {network} must be downloaded, got {reason}: try again, "
            f"or fetch {url} elsewhere and put it into {path.parent}"
        ) from error


def _is_whole(path: Path) -> bool:
    match = _CHECKSUM.search(path.name)
    if match is None:
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest().startswith(match[1])
