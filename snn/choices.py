"""What a training run can choose between. Light: the command line reads its choices here."""

from __future__ import annotations

from typing import Literal

Scheme = Literal["offline", "insitu", "hybrid"]
Encoding = Literal["paper", "dense"]
Schedule = Literal["constant", "growth"]
Mapping = Literal["pair", "reference"]
RuleName = Literal["multi-resume-gated", "multi-resume"]
DecayBy = Literal["theta", "eta"]
BenchmarkTask = Literal["few-shot", "whole"]
StuckAt = Literal["start", "low", "high", "ends"]
Rates = Literal["plain", "scaled"]
WireGains = Literal["separable", "exact"]
AdcLines = Literal["difference", "each"]
ProgrammingWay = Literal["sigma", "verify"]
ProgramSteps = Literal["law", "sign"]
