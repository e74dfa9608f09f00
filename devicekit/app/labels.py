"""Words of the app: options and settings in messages and pages, by the labels of their fields."""

from __future__ import annotations

import html
import re
from functools import cache

from devicekit.core.declarations import options_of
from devicekit.system.options import OPTIONS

_TYPED = ("pre", "code", "script", "style", "textarea", "option")  # elements of a page with what is typed
_LONGEST = "/textarea"
_FLAG = r"(?<![\w-])--(?P<flag>[a-z][a-z-]*)(?: (?P<setting>[a-z_0-9]+)=)?"
_COMMAND = r" \(devicekit [a-z]+ [^()]*--[^()]*\)"


@cache
def _flags() -> dict[str, str]:
    """Return the labels of all fields by the options of the command line."""
    from devicekit.verbs.benchmark import BenchmarkRequest
    from devicekit.verbs.characterize import CharacterizeRequest
    from devicekit.verbs.fit import FitRequest
    from devicekit.verbs.population import PopulationRequest
    from devicekit.verbs.simulate import IVRequest

    requests = (IVRequest, BenchmarkRequest, CharacterizeRequest, FitRequest, PopulationRequest)
    options = [each for request in requests for each in options_of(request).values()]
    return {each.flag.removeprefix("--"): each.label for each in (*options, *OPTIONS.values()) if each.form}


@cache
def _keywords() -> dict[str, str]:
    """Return the labels of reading options, and of the one of a population, by their names; without units."""
    from devicekit.verbs.population import PopulationRequest

    found = {name: each.label for each in OPTIONS.values() for name in (each.name, each.keyword)}
    return found | {"split": options_of(PopulationRequest)["split"].label}


@cache
def _settings() -> dict[str, str]:
    """Return the labels of the settings of a training, without units."""
    from snn.config import TrainingConfig

    return {name: each.form.partition(" [")[0] for name, each in TrainingConfig.declared().items()}


def _name_field(found: re.Match[str]) -> str:
    """Return the label of an option; a command in brackets is left out, an option without a field stays."""
    if not found["flag"]:
        return "" if found[0].startswith(" (devicekit") else found[0]
    if found["flag"] == "set" and found["setting"] in _settings():
        return f"“{_settings()[found['setting']]}” "
    label = _flags().get(found["flag"])
    rest = f" {found['setting']}=" if found["setting"] else ""
    return found[0] if label is None else f"“{label}”{rest}"


def _fill_in(message: str) -> str:
    """Return a message in which fields are filled in: options are given or passed."""
    message = re.sub(r"\b(?:pass|give) (?=“)", "fill in ", message)
    return re.sub(r"\b(?:Pass|Give) (?=“)", "Fill in ", message)


def use_labels(page: str) -> str:
    """Return a page with labels for options of the command line, except in command lines and code."""
    if "--" not in page:
        return page
    first, *pieces = page.split("<")  # each begins with a tag; figures make most of a page, and have no flags
    typed, found = "", [_label_text(first)]
    for piece in pieces:
        name = piece[: len(_LONGEST) + 1].partition(">")[0].partition(" ")[0]
        if typed or name in _TYPED:
            typed = "" if name == f"/{typed}" else typed or name
        elif "--" in piece:
            tag, mark, text = piece.partition(">")
            piece = f"{tag}{mark}{_label_text(text)}"
        found.append(piece)
    return "<".join(found)


def _label_text(text: str) -> str:
    """Return the text between two tags with labels."""
    found = re.sub(rf"{_COMMAND}|{_FLAG}", lambda match: html.escape(_name_field(match), quote=False), text)
    return _fill_in(found)


def use_field_labels(message: str) -> str:
    """Return a message with labels for options: `unit=uS` of Python or `--unit uS` becomes “Unit” uS."""

    def replace_option(match: re.Match[str]) -> str:
        if match["pairs"] is not None:
            return f"“{_keywords()[match['of']]}” {match['pairs'].replace(': ', '=')}"
        value = match["value"].strip("()") if match["value"] not in ("True", "") else ""
        return f"“{_keywords()[match['name']]}” {value}".rstrip()

    message = message.replace("map: ", "“Columns”: ")
    names = "|".join(_keywords())
    message = re.sub(
        rf"\b(?P<of>map|key)=\{{(?P<pairs>[^}}]*)\}}|"
        rf"(?<![\w/\\-])(?P<name>{names})=(?P<value>\([^)]*\)|'[^']*'|[^\s,;:()]*)",
        replace_option,
        message,
    )
    return _fill_in(re.sub(rf"{_COMMAND}|{_FLAG}", _name_field, message))


def name_settings(words: str) -> str:
    """Return a documentation in which `names` of settings are labels, without references to modules."""
    names = _settings()
    words = re.sub(r" \(`[a-z]+\.[\w.]+`\)|, (?:as in|one file each in) `[a-z]+\.[\w.]+`", "", words)
    return re.sub(r"`([^`]+)`", lambda match: f"“{names[match[1]]}”" if match[1] in names else match[1], words)


def use_setting_labels(message: str) -> str:
    """Return a message with labels for the settings of a training: `levels must` becomes “Levels when programmed” must.

    A name that is a word of English is one where a message begins with it, or tells to set or to remove it.
    """
    names = _settings()
    long = "|".join(name for name in names if "_" in name)
    every = "|".join(names)
    found = re.sub(
        rf"(?<![\w.])(?:{long})\b(?!=)|(?:^|(?<=Set )|(?<=Remove )|(?<=Use ))(?:{every})\b",
        lambda match: f"“{names[match[0]]}”",
        message,
    )
    return use_field_labels(found)
