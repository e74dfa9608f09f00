"""Choices of a training run, importable without heavy packages for the command line."""

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
