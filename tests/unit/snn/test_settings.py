"""Settings follow from their declarations: names, ranges, words of a study file, documentation."""

from __future__ import annotations

import pickle
from dataclasses import asdict, fields, replace

import pytest

from devicekit.core.errors import ParameterError, UsageError
from snn.config import NetworkSettings, PulseSettings, TrainingConfig
from snn.hardware import ConverterSettings, WireSettings
from snn.stdp import StdpConfig


@pytest.mark.parametrize("kind", [TrainingConfig, StdpConfig])
def test_every_field_is_declared_once_and_documented(kind: type) -> None:
    declared = kind.declared()
    assert list(declared) == [each.name for each in fields(kind)]
    text = kind.__doc__ or ""
    for each in declared.values():
        assert each.doc.endswith(".")
        assert text.count(f"\n    {each.name} : {each.doc_type}\n") == 1
        each.check(each.default)


def test_settings_are_flat_for_who_writes_and_reads_them() -> None:
    config = TrainingConfig(scheme="hybrid", epochs=4, seed=3, wire_ohm=2.0, adc_bits=6)
    assert (config.offline_epochs, config.seed, config.wire_ohm) == (2, 3, 2.0)
    assert asdict(config)["adc_bits"] == 6
    assert replace(config, seed=5) == TrainingConfig(scheme="hybrid", epochs=4, seed=5, wire_ohm=2.0, adc_bits=6)
    assert pickle.loads(pickle.dumps(config)) == config


def test_a_group_stands_alone_and_a_training_is_one_of_it() -> None:
    assert isinstance(TrainingConfig(), WireSettings)
    assert WireSettings(wire_ohm=1.0, column_gain=True).tile == (128, 128)
    for make in (
        lambda: WireSettings(column_gain=True),
        lambda: ConverterSettings(adc_bits=1),
        lambda: NetworkSettings(scheme="hybrid", epochs=1),
        lambda: PulseSettings(policy="literal"),
    ):
        with pytest.raises(UsageError):
            make()


@pytest.mark.parametrize("name", list(TrainingConfig.declared()))
def test_a_range_is_closed_and_nothing_beyond_it_is_taken(name: str) -> None:
    each = TrainingConfig.declared()[name]
    with pytest.raises(UsageError, match=name):
        TrainingConfig(**{name: object()})
    if each.within is not None:
        for end, beyond in zip(each.within, (-1, 1), strict=True):
            each.check(end)
            with pytest.raises(UsageError, match=name):
                each.check(end + beyond * max(abs(end), 1))
    if each.zero:
        with pytest.raises(UsageError, match="at least 2"):
            each.check(1)
    assert each.optional == (each.default is None or name == "reference")


def test_two_numbers_are_one_word_in_a_study_file() -> None:
    found = TrainingConfig.of_words({"tile": "64x32", "theta": "0.5,2", "policy": "reset", "seed": 3})
    assert found == {"tile": (64, 32), "theta": (0.5, 2.0), "policy": "reset", "seed": 3}
    for word in ("64", "1,2,3", "axb"):
        with pytest.raises(ParameterError, match="64x64"):
            TrainingConfig.of_words({"tile": word})


def test_sets_of_settings_hold_what_they_are_for() -> None:
    benchmark, classifier, devices, card = map(TrainingConfig.names, ("benchmark", "classifier", "devices", "card"))
    assert set(devices) < set(classifier)
    assert set(card) < set(benchmark)
    assert card == ("stuck", "stuck_at", "device_levels")
    assert not {"epochs", "hidden", "seed", "steps", "rates", "retention", "telegraph_tau_s"} & set(benchmark)
    assert {"wire_ohm", "adc_bits", "time_s", "presentation_s", "policy", "draw"} < set(benchmark)
