"""A task that tells devices apart: few images, few neurons, and a comparison with an ideal device."""

from snn.benchmark.losses import VariantResult
from snn.benchmark.result import Benchmark
from snn.benchmark.run import Plan, benchmark

__all__ = ["Benchmark", "Plan", "VariantResult", "benchmark"]
