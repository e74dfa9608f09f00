"""Options that several verbs take; each call declares a field of a request."""

from __future__ import annotations

from dataclasses import MISSING
from typing import Any

import physics
from devicekit.core.declarations import option
from devicekit.core.pairs import parse_pairs
from devicekit.features.definitions import LIFE_TEMPERATURE_K, LOST_FACTOR, THRESHOLD

CARD_HELP = "A device card, or the name of a shipped one."  # --card CARD.json, as before, is taken too


def out_folder(words: str = "Folder for the results.", **how: Any) -> Any:
    """Declare the folder of the results."""
    return option(metavar="DIR", help=words, **how)


def seed(words: str = "Seed of every random draw.") -> Any:
    """Declare a seed."""
    return option(default=0, metavar="N", least=0, help=words)


def chance() -> Any:
    """Declare a seed that makes sense with another option alone."""
    return option(metavar="N", least=0, help="Seed of the random draws; 0 if not given.", form="Seed of the noise")


def jobs(words: str, default: int = 1) -> Any:
    """Declare a number of processes."""
    return option(default=default, metavar="N", least=1, help=words)


def trainings() -> Any:
    """Declare the number of trainings of a benchmark."""
    words = "Trainings of the device in each network; a quarter as many, at least 8, of the ideal device."
    return option(default=30, metavar="N", least=1, help=words, form="Trainings of the device")


def stack(
    words: str = f"Stack TOML, or one of {', '.join(physics.starter_files())}; the default stack if not given.",
) -> Any:
    """Declare the file of a stack."""
    return option(metavar="STACK.toml", help=words, form="Stack")


def laws() -> Any:
    """Declare files whose code a stack may run."""
    return option(
        "--allow-law",
        default=(),
        metavar="FILE.py",
        help="A Python file that the stack may name as a law; its code runs. May be repeated.",
    )


def mesh(default: str = "default") -> Any:
    """Declare the cells of a mesh."""
    return option(default=default, choices=tuple(physics.SPACINGS), help="Cells of the mesh", form="Mesh")


def epochs() -> Any:
    """Declare a number of epochs."""
    return option(default=20, metavar="N", least=1, help="Passes over the training part.")


def card() -> Any:
    """Declare a device card, as the argument of a command."""
    return option(argument=True, default=MISSING, metavar="CARD.json", help=CARD_HELP)


def cards() -> Any:
    """Declare several device cards, as arguments of a command."""
    return option(
        argument=True, default=MISSING, metavar="CARD.json...", help=f"{CARD_HELP[:-1]}; several share one page."
    )


def data() -> Any:
    """Declare a data set."""
    return option(
        default="digits",
        metavar="DATA",
        help="digits (ships with scikit-learn), optdigits, mnist, fashion-mnist, openml:NAME, a .npz or .csv file, or "
        "a folder of idx files or of train.csv and test.csv.",
    )


def data_dir() -> Any:
    """Declare the folder of a data set."""
    return option(metavar="DIR", help="Folder with the files of optdigits, mnist, fashion-mnist; fetched if not given.")


def label() -> Any:
    """Declare the column of classes."""
    return option(metavar="COLUMN", help="Column of a .csv that holds the classes.")


def report() -> Any:
    """Declare the file of the report."""
    return option(metavar="FILE.html", help="Also write one self-contained HTML report.")


def threshold(default: float | None = THRESHOLD) -> Any:
    """Declare the on/off ratio of a good cycle."""
    words = "Endurance: smallest on/off ratio of a good cycle."
    return option(default=default, metavar="X", help=words, form="On/off ratio of a good cycle")


def life_temperature() -> Any:
    """Declare the temperature of use."""
    words = "Retention: temperature of use, for the lifetime [K]."
    return option(default=LIFE_TEMPERATURE_K, metavar="K", help=words, form="Temperature of use [K]")


def lost_factor() -> Any:
    """Declare the change at which a state is lost."""
    words = "Retention: factor of change in G at which a state is lost."
    return option(default=LOST_FACTOR, metavar="X", help=words, form="Change at which a state is lost")


def time_exponent() -> Any:
    """Declare the exponent of time of a loss, set by hand."""
    words = "Bakes of many cells: exponent of time of the loss, if you know it."
    return option(metavar="NU", help=words, form="Exponent of time of the loss")


def bake(words: str) -> Any:
    """Declare the temperature of a bake: 180C, or 453.15K."""
    return option(
        "--bake",
        metavar="TEMPERATURE",
        typed=str | None,
        parse=_parse_bake,
        help=words,
        form="Bake to place levels for",
        example="180C",
    )


def _parse_bake(text: str | None) -> float | None:
    from devicekit.device.bakes import parse_temperature

    return None if text is None else parse_temperature(text)


def number(words: str, metavar: str, flag: str = "", **how: Any) -> Any:
    """Declare a number that need not be given."""
    return option(flag, metavar=metavar, help=words, **how)


def several(words: str, metavar: str, flag: str) -> Any:
    """Declare an option that may be repeated."""
    return option(flag, default=(), metavar=metavar, help=words)


def settings(words: str) -> Any:
    """Declare further settings of a training."""
    return option(
        "--set",
        default_factory=dict,
        metavar="KEY=VALUE",
        typed=list[str] | None,
        parse=parse_settings,
        help=words,
    )


def show() -> Any:
    """Declare the quantity in which a page shows states; its figures have a button for the other."""
    return option(default="siemens", metavar="UNIT", choices=("siemens", "ohm"), help="States on the page")


def _value(text: str) -> str | int | float | bool:
    """Return the number or truth value that a text stands for, or the text itself."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def parse_settings(pairs: list[str] | None) -> dict[str, str | int | float | bool]:
    """Return the settings that `--set` was given.

    Raises UsageError if one is not KEY=VALUE.
    """
    given = parse_pairs(pairs, "--set takes KEY=VALUE", empty=True)
    return {name: _value(value) for name, value in given.items()}
