"""Items to choose from in forms have words, and no words stand for an item that is gone."""

from __future__ import annotations

from typing import Literal, get_args, get_origin

import physics
from devicekit.app.choices import CHOICES, choice_text
from devicekit.core.declarations import options_of
from devicekit.system.options import OPTIONS
from devicekit.system.plugins import GRADIENTS, POLICIES
from devicekit.verbs.characterize import CharacterizeRequest
from devicekit.verbs.fit import FitRequest
from devicekit.verbs.simulate import IVRequest
from snn.config import TrainingConfig
from snn.data.load import NAMES


def offered() -> dict[str, set[str]]:
    found = {name: set(each.form_choices) for name, each in OPTIONS.items()}
    for request in (CharacterizeRequest, FitRequest, IVRequest):
        found |= {name: set(each.words) for name, each in options_of(request).items() if each.form and each.words}
    for name, setting in TrainingConfig.declared().items():
        if get_origin(setting.kind) is Literal:
            found[name] = set(get_args(setting.kind))
    named = {"policy": {"auto", *POLICIES.names()}, "gradient": set(GRADIENTS.names())}
    return found | named | {"data": set(NAMES), "material": {*physics.material_files(), *physics.starter_files()}}


def test_every_item_has_words_of_its_own() -> None:
    choices = offered()
    for name, words in CHOICES.items():
        assert set(words) == choices[name], name
        assert len({choice_text(name, value) for value in words}) == len(words), name
    bare = {name for name, values in choices.items() if any("_" in value or "-" in value for value in values)}
    assert bare <= CHOICES.keys()
