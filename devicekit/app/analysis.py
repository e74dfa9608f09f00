"""The form that fits an upload, or evaluates its figures of merit, with other options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from devicekit.app.forms import Field
from devicekit.app.request_fields import build_groups, parse_fields
from devicekit.app.uploads import Upload
from devicekit.core.declarations import options_of
from devicekit.core.errors import UsageError

_TOPICS = {"sweep": ("", "Conduction"), "endurance": ("Endurance",), "paired": ("Paired pulses",)}  # of a kind
_OWN = {topic for topics in _TOPICS.values() for topic in topics}


def request_of(upload: Upload) -> Any:
    """Return the request that analyses an upload."""
    from devicekit.verbs.characterize import CharacterizeRequest
    from devicekit.verbs.fit import FitRequest
    from devicekit.verbs.population import PopulationRequest

    result = upload.read_result
    requests = {"fit": FitRequest, "population": PopulationRequest}
    return CharacterizeRequest if result is None else requests.get(result.task, CharacterizeRequest)


def known_options(upload: Upload) -> dict[str, Any]:
    """Return the options of an upload that its analysis takes."""
    known = options_of(request_of(upload))
    return {name: value for name, value in upload.options.items() if name in known}


def build_analysis(upload: Upload, entries: Mapping[str, str] | None = None) -> list[tuple[str, tuple[Field, ...]]]:
    """Return the fields by topic, for the kind of table of an upload; with entries that were refused."""
    result = upload.read_result
    if result is None or result.seen is None:
        return []
    groups = build_groups(request_of(upload), known_options(upload))
    kind = result.seen.kind
    topics = [each for each in groups if result.fits or each in _TOPICS.get(kind, set(groups) - _OWN)]
    shown = [(topic, groups[topic]) for topic in topics]
    if entries is None:
        return shown
    return [(topic, tuple(replace(each, value=entries.get(each.name, "")) for each in group)) for topic, group in shown]


def parse_analysis(upload: Upload, form: Mapping[str, str]) -> dict[str, Any]:
    """Return the options that a form fills in.

    Raises UsageError if a field does not take its entry.
    """
    request = request_of(upload)
    options, found = options_of(request), parse_fields(request, form)
    try:
        if "files" in options:
            request(files=(), **found).settings()
        elif "folders" not in options:
            _ = request(**found).options
    except UsageError as error:  # thickness_m= must be ...
        label = re.compile(rf"^({'|'.join(options)})(?:_(?:m|m2|k|s|ev))?= ")
        raise UsageError(label.sub(lambda match: f"“{options[match[1]].label}” ", error.message)) from None
    return found
