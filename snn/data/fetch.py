"""Download of files with a checksum and a cache."""

from __future__ import annotations

from pathlib import Path

from devicekit.core.errors import FileError


def fetch(url: str, checksum: str, instead: str, name: str | None = None) -> Path:
    """Return a file from the cache, or download it; the checksum must match.

    Parameters
    ----------
    url : str
    checksum : str
        Algorithm and digest: "md5:...".
    instead : str
        Advice for the message if the download fails.
    name : str, optional
        Name of the file in the cache; None: the last part of the address.

    Raises
    ------
    FileError
        If the download fails or the checksum differs.
    """
    import pooch
    import requests

    name = name or url.rpartition("/")[2]
    try:
        return Path(pooch.retrieve(url, known_hash=checksum, fname=name, path=pooch.os_cache("devicekit")))
    except requests.ConnectionError as error:
        raise FileError(f"Could not download {name}: {url} is not reached. {instead}") from error
    except Exception as error:  # any other exception of the downloader
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileError(f"Could not download {name} from {url} ({reason}). {instead}") from error
