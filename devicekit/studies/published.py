"""Values that others found for the devices of a study, as the tables [published] of a study file hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from devicekit.core.text import closest


def _check_accuracy(value: float) -> float:
    if not 0 <= value <= 1:  # true for NaN, too
        raise ValueError(f"found {value:g}, expected an accuracy from 0 to 1, such as 0.73 for 73 %")
    return value


Accuracy = Annotated[float, AfterValidator(_check_accuracy)]
By = Annotated[str, Field(min_length=1)]


class OtherRanking(BaseModel):
    """Values that somebody else measured for the same devices."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    by: By = Field(description="who or what measured them")
    settings: str = Field(default="", description="with what: version, network, data, training, seeds")
    values: dict[str, Annotated[list[Accuracy], Field(min_length=1)]] = Field(
        description="accuracies of each device by its name, 0 to 1, one a seed"
    )


class PublishedRanking(BaseModel):
    """Values that somebody else publishes for the devices of a study, which it is compared with."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    key: str = Field(description="setting whose values are the devices")
    by: By = Field(description="who publishes the values")
    settings: str = Field(default="", description="with what they were measured")
    values: dict[str, Accuracy] = Field(
        default={},
        description="accuracy of each device by its name, 0 to 1; of `labels` those printed beside them if not given",
    )
    others: list[OtherRanking] = Field(default=[], description="what others measured for the same devices")

    @property
    def names(self) -> list[str]:
        """Who found the values, the publisher first."""
        return [self.by, *(each.by for each in self.others)]

    def values_of(self, devices: Sequence[str]) -> dict[str, float]:
        """Return the published value of each device that has one; the study's name of a known device may be in any
        case, as in `labels`."""
        if self.values or self.key != "labels":
            return self.values
        from devicekit.fitting.labels import published_devices

        known = {name.lower(): labels.printed_accuracy for name, labels in published_devices().items()}
        return {name: value for name in devices if (value := known.get(name.lower())) is not None}

    def problem(self, devices: Sequence[str]) -> str:
        """Return what does not fit a study of such devices: a sentence with the key; empty if all fits."""
        if not devices:
            return f"key: found {self.key!r}, expected a setting of this study, whose values are the devices"
        if twice := [name for k, name in enumerate(self.names) if name in self.names[:k]]:
            return f"by: found {twice[0]!r} twice, expected a different name for each ranking"
        if not self.values_of(devices):
            return f"values: found none, expected the accuracy of devices, values of {self.key}: {', '.join(devices)}"
        tables: list[tuple[str, Iterable[str]]] = [("values", self.values)]
        tables += [(f"others {each.by!r}, values", each.values) for each in self.others]
        for place, values in tables:
            for name in values:
                if name not in devices:
                    meant = closest(name, devices)
                    expected = f"{meant!r}" if meant else f"one of {', '.join(devices)}"
                    return f"{place}: found device {name!r}, expected {expected} (values of {self.key} in this study)"
        return ""
