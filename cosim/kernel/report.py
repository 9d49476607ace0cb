"""Reports: what the kernel has to say about a design, by id and severity."""

from __future__ import annotations

import enum
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass


class Severity(enum.IntEnum):
    """How bad; an ERROR raises."""

    INFO = 0
    WARNING = 1
    ERROR = 2


@dataclass(frozen=True)
class ReportType:
    """A kind of report: its id, and its severity unless the simulator's `reports` say otherwise."""

    identifier: str
    severity: Severity


NAME_EXISTS = ReportType("object already exists", Severity.ERROR)
NAME_CHARACTERS = ReportType("illegal characters", Severity.ERROR)
SELF_NOTIFICATION = ReportType("immediate self-notification ignored", Severity.WARNING)
NO_ACTIVITY = ReportType("no activity", Severity.WARNING)
STOPPED = ReportType("simulation stopped", Severity.INFO)
STOPPED_ALREADY = ReportType("simulation stopped already", Severity.WARNING)


class SimulationWarning(UserWarning):
    """A warning report, where no handler is set."""


Handler = Callable[[ReportType, Severity, str], None]


class Reports:
    """The reports of one simulator: `handler` gets infos and warnings, errors are raised.

    Without a handler warnings go to Python's `warnings` as SimulationWarning, infos to the logger "cosim".
    """

    def __init__(self) -> None:
        self.handler: Handler | None = None
        self._severities: dict[str, Severity] = {}

    def set_severity(self, report: ReportType, severity: Severity) -> None:
        """Treat all reports of this type as that severe from now on."""
        self._severities[report.identifier] = severity

    def report(self, report: ReportType, message: str, error: type[Exception] = RuntimeError) -> None:
        """Report `message`; raise it as `error` where the report's severity is ERROR."""
        severity = self._severities.get(report.identifier, report.severity)
        if severity is Severity.ERROR:
            raise error(message)
        if self.handler is not None:
            self.handler(report, severity, message)
        elif severity is Severity.WARNING:
            warnings.warn(message, SimulationWarning, stacklevel=3)
        else:
            logging.getLogger("cosim").info("%s", message)
