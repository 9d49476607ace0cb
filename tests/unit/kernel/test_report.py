"""Reports: infos are logged, warnings warned, errors raised, unless a handler or a severity says otherwise."""

import logging

import pytest

from cosim.kernel import Action, ReportError, Reports, Severity, SimulationWarning, Simulator
from cosim.kernel.report import NAME_EXISTS, NO_ACTIVITY, STOPPED


def test_where_reports_go(caplog):
    reports = Reports()
    with caplog.at_level(logging.INFO, logger="cosim"):
        reports.report(STOPPED, "stopped")
    assert caplog.messages == ["stopped"]
    with pytest.warns(SimulationWarning, match=r"^idle$"):
        reports.report(NO_ACTIVITY, "idle")
    with pytest.raises(KeyError):
        reports.report(NAME_EXISTS, "twice", KeyError)
    rows = []
    reports.handler = lambda *row: rows.append(row)
    reports.set_severity(NAME_EXISTS, Severity.WARNING)
    reports.report(NAME_EXISTS, "twice")
    reports.report(STOPPED, "stopped")
    assert rows == [(NAME_EXISTS, Severity.WARNING, "twice"), (STOPPED, Severity.INFO, "stopped")]


def test_what_is_most_specific_counts():
    reports, rows = Reports(), []
    reports.handler = lambda report, severity, message: rows.append((severity, message))
    assert reports.set_actions(Action.NOTHING, severity=Severity.WARNING) is Action.DISPLAY
    reports.warning("bus", "unseen")
    assert reports.set_actions(Action.DISPLAY, identifier="bus") is None
    reports.warning("bus", "seen")
    reports.error("bus", "seen, not raised")
    reports.set_actions(None, identifier="bus")
    assert reports.set_actions(None, severity=Severity.WARNING) is Action.NOTHING
    reports.warning("bus", "seen again")
    with pytest.raises(ReportError, match=r"^gone$") as raised:
        reports.fatal("bus", "gone")
    assert (raised.value.identifier, raised.value.severity) == ("bus", Severity.FATAL)
    assert [message for _, message in rows] == ["seen", "seen, not raised", "seen again", "gone"]
    assert (reports.count(), reports.count(severity=Severity.WARNING)) == (5, 3)
    with pytest.raises(ValueError, match=r"^actions are set for an identifier, a severity, or both$"):
        reports.set_actions(Action.NOTHING)


def test_a_limit_stops_the_simulation_and_zero_never_does(caplog):
    stops = []
    reports = Reports(lambda: stops.append(reports.count()))
    reports.stop_after(2)
    reports.stop_after(0, identifier="chatter")
    with caplog.at_level(logging.INFO, logger="cosim"):
        for identifier in ("chatter", "bus", "chatter", "bus"):
            reports.info(identifier, "?")
    assert stops == [2, 4]
    reports.stop_after(None)
    with caplog.at_level(logging.INFO, logger="cosim"):
        reports.info("bus", "?")
    assert stops == [2, 4]
    with pytest.raises(ValueError, match=r"^limit: expected at least 0, got -1$"):
        reports.stop_after(-1)


def test_logged_and_stopped(caplog):
    env = Simulator()
    env.reports.set_actions(Action.LOG | Action.STOP, severity=Severity.ERROR)
    env.reports.error("bus", "broken")
    assert env.stopped
    assert ("cosim", logging.ERROR, "broken") in caplog.record_tuples
