"""A task that tells devices apart: few images, few neurons, and a test with power against the device's ideal twin."""

from snn.benchmark.pairs import VariantResult
from snn.benchmark.result import Benchmark
from snn.benchmark.run import benchmark

__all__ = ["Benchmark", "VariantResult", "benchmark"]
