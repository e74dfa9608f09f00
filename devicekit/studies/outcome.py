"""What became of one run of a study, and its file: whole and unchanged, or an error."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from devicekit import files
from devicekit.errors import FileError


@dataclass(frozen=True)
class Outcome:
    """What became of a run: "done" or "failed" with the reason, its numbers by name, and the version that made it."""

    status: str
    reason: str
    metrics: dict[str, Any]
    devicekit: str

    @classmethod
    def load(cls, folder: Path, key: str) -> Outcome | None:
        """The outcome of the run of that key, None if it has no file.

        Raises
        ------
        FileError
            If the file is damaged, was changed by hand, or is of another run.
        """
        path = folder / f"{key}.json"
        if not path.exists():
            return None
        found = files.read_json(path)
        if not isinstance(found, dict) or set(found) != {*cls.__annotations__, "sha256"}:
            raise FileError(f"{path} is no result of a run, or of a version that wrote no checksums")
        stated = found.pop("sha256")
        outcome = cls(**found)
        if stated != outcome._sha256(key) or not isinstance(outcome.metrics, dict):
            raise FileError(f"{path} was damaged or changed after it was written (its checksum does not fit)")
        return outcome

    def save(self, folder: Path, key: str) -> None:
        """Write the file of the run of that key, whole or not at all."""
        files.write_json(folder / f"{key}.json", {**asdict(self), "sha256": self._sha256(key)}, replace=True)

    def _sha256(self, key: str) -> str:
        """Checksum of the content and of the run that it belongs to."""
        text = json.dumps([key, asdict(self)], sort_keys=True, allow_nan=False, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
