"""Downloads by torchvision, of published checksums, with their errors in one line."""

from __future__ import annotations

from pathlib import Path

from scaling_search.core.errors import UserError


def download(name: str, url: str, folder: Path, md5: str) -> Path:
    """Fetch a file of a data set into the folder, unless it is there, and check its MD5.

    Raises UserError when the network or the disk refuses, or other bytes come.
    """
    from torchvision.datasets.utils import download_url  # takes seconds, only a download needs it

    file = url.rpartition("/")[2]
    try:
        download_url(url, folder, file, md5)
    except (OSError, RuntimeError, EOFError) as error:  # URLError is an OSError
        reason = " ".join(str(error).split())
        raise UserError(
            f"{name} must be downloaded, got {reason or type(error).__name__}: "
            "try again, or fetch it elsewhere and name its folder with --root"
        ) from error
    return folder / file
