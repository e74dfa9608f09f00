"""Files from the net, each with its checksum, kept in a cache."""

from __future__ import annotations

from pathlib import Path

from devicekit.errors import FileError


def fetch(url: str, checksum: str, instead: str, name: str | None = None) -> Path:
    """A file from the cache, or from the net if it is not there; never one with another checksum.

    Parameters
    ----------
    url : str
    checksum : str
        Algorithm and digest: "md5:...".
    instead : str
        What to do without the net, for the message.
    name : str, optional
        Of the file in the cache; None: the last part of the address.

    Raises
    ------
    FileError
        If it cannot be fetched whole, or is another file.
    """
    import pooch

    name = name or url.rpartition("/")[2]
    try:
        return Path(pooch.retrieve(url, known_hash=checksum, fname=name, path=pooch.os_cache("devicekit")))
    except Exception as error:  # pooch passes on whatever its downloader raises
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileError(f"could not fetch {name} from {url} ({reason}); {instead}") from error
