"""A study of devices, on the cards of a user instead of its own devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from devicekit.core.errors import UsageError

DEVICES = ("labels", "card")  # settings that name a device


def with_cards(study: Mapping[str, Any], cards: Sequence[str], name: str) -> dict[str, Any]:
    """Return the content of a study file whose grid of devices is replaced by cards.

    Raises UsageError if there is one card only, or if the study does not compare devices that can be replaced.

    Parameters
    ----------
    study : mapping
        Content of a study file; what is not a valid study may stay so.
    cards : sequence of str
        Files of cards, or names of shipped data sets; none leaves the study as it is.
    name : str
        The study, for messages.
    """
    if not cards:
        return dict(study)
    if len(cards) < 2:
        raise UsageError(f"--card compares devices; found one card, {cards[0]}. Give --card twice or more.")
    if "published" in study:
        raise UsageError(f"--card: study {name} compares its own devices with published values. Leave --card out.")
    grid = study.get("grid")
    if not isinstance(grid, dict) or not set(DEVICES) & (set(grid) - set(study.get("pool", ()))):
        raise UsageError(f"--card: study {name} has no grid of devices. Its card is changed by --set card=FILE.")
    others = {key: values for key, values in grid.items() if key not in DEVICES}
    return {**study, "grid": {**others, "card": list(cards)}}
