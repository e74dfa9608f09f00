"""Filament physics: vacancy drift-diffusion, current continuity and Joule heating."""

from pathlib import Path

from devicekit.system.plugins import discover

SOLVERS = ("banded", "fipy")

STARTS = ("reset", "pristine")
"""State in which a run starts: just after a reset, or a film in which nothing has formed."""

SPACINGS = {"coarse": 0.5, "default": 0.25, "fine": 0.125}
"""Cell size in the fine region of a mesh [nm], by the name of the mesh."""

DEFAULT_MATERIAL = "drift"


def material_files() -> dict[str, Path]:
    """Return the TOML file of every built-in material set, by name, the default one first."""
    files = {file.stem: file for file in sorted((Path(__file__).parent / "materials").glob("*.toml"))}
    return {DEFAULT_MATERIAL: files[DEFAULT_MATERIAL], **files}


def starter_files() -> dict[str, Path]:
    """Return the stack files to start from, by name, as `--stack` takes it; each names the source of its numbers."""
    return {file.stem: file for file in sorted((Path(__file__).parent / "starters").glob("*.toml"))}


def material_sets() -> dict[str, Path]:
    """Return the TOML files of all material sets, including other packages (entry points `devicekit.materials`).

    Raises
    ------
    UsageError
        If the entry point of another package cannot be imported.
    """
    return {
        **{name: Path(path) for name, path in discover("devicekit.materials", "material set").items()},
        **material_files(),
    }
