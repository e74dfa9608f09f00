"""Result of one run of a study, and its checked file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from devicekit.core.errors import FileError
from devicekit.studies.spec import Row
from devicekit.system.kept import read_part, write_part


@dataclass(frozen=True)
class RunResult:
    """Result of a run: "done", or "failed" with the reason; its numbers by name, and the version that made it."""

    status: str
    reason: str
    metrics: Row
    devicekit: str

    @classmethod
    def load(cls, folder: Path, key: str) -> RunResult | None:
        """Return the outcome of the run of that key, None if it has no file.

        Raises FileError if the file is damaged, was changed by hand, or is of another run.
        """
        found = read_part(folder, key, cls.__annotations__)
        if found is None:
            return None
        outcome = cls(**found)
        if not isinstance(outcome.metrics, dict):
            raise FileError(f"{folder / key}.json was damaged after it was written (its metrics are none)")
        return outcome

    def save(self, folder: Path, key: str) -> None:
        """Write the file of the run of that key, whole or not at all."""
        write_part(folder, key, asdict(self))
