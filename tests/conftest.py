"""Hypothesis profiles: derandomised by default, so that a red run is red for everybody."""

import os
import signal

import pytest
from hypothesis import HealthCheck, Phase, settings

_SLOW_MACHINES = [HealthCheck.too_slow]
settings.register_profile("ci", derandomize=True, max_examples=60, deadline=None, suppress_health_check=_SLOW_MACHINES)
settings.register_profile("deep", max_examples=2000, deadline=None, suppress_health_check=_SLOW_MACHINES)
# For `make mutate-c`: that a test is red is enough, the smallest example is not wanted.
settings.register_profile("mutants", settings.get_profile("ci"), phases=[Phase.explicit, Phase.generate])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture
def interruptible():
    """Ctrl-C reaches this process and its children, even where a shell runs the tests in the background, which ignores
    it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
