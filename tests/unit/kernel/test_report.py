"""Reports: infos are logged, warnings warned, errors raised, unless a handler or a severity says otherwise."""

import logging

import pytest

from cosim.kernel import Reports, Severity, SimulationWarning
from cosim.kernel.report import NAME_EXISTS, NO_ACTIVITY, STOPPED


def test_where_reports_go(caplog):
    reports = Reports()
    with caplog.at_level(logging.INFO, logger="cosim"):
        reports.report(STOPPED, "stopped")
    assert caplog.messages == ["stopped"]
    with pytest.warns(SimulationWarning, match="^idle$"):
        reports.report(NO_ACTIVITY, "idle")
    with pytest.raises(KeyError):
        reports.report(NAME_EXISTS, "twice", KeyError)
    rows = []
    reports.handler = lambda *row: rows.append(row)
    reports.set_severity(NAME_EXISTS, Severity.WARNING)
    reports.report(NAME_EXISTS, "twice")
    reports.report(STOPPED, "stopped")
    assert rows == [(NAME_EXISTS, Severity.WARNING, "twice"), (STOPPED, Severity.INFO, "stopped")]
