"""Filament physics: vacancy drift-diffusion, current continuity and Joule heating."""

from pathlib import Path

from devicekit.plugins import discover

SOLVERS = ("banded", "fipy")

SPACINGS = {"coarse": 0.5, "default": 0.25, "fine": 0.125}
"""Cell size in the fine region of a mesh [nm], by the name of the mesh."""

DEFAULT_MATERIAL = "reversible"


def material_files() -> dict[str, Path]:
    """The TOML file of every material set that ships, by name, the default one first."""
    files = {file.stem: file for file in sorted((Path(__file__).parent / "materials").glob("*.toml"))}
    return {DEFAULT_MATERIAL: files[DEFAULT_MATERIAL], **files}


def material_sets() -> dict[str, Path]:
    """The same with those of other packages, which announce the path of a file (entry points `devicekit.materials`).

    Raises
    ------
    UsageError
        If another package announces one that cannot be imported.
    """
    return {
        **{name: Path(path) for name, path in discover("devicekit.materials", "material set").items()},
        **material_files(),
    }
