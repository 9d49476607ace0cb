"""Reports: what the kernel and the models have to say about a run, by id and severity (IEEE 1666-2011, clause 8)."""

from __future__ import annotations

import enum
import logging
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


class Severity(enum.IntEnum):
    """How bad; ERROR and FATAL raise unless actions say otherwise."""

    INFO = 0
    WARNING = 1
    ERROR = 2
    FATAL = 3


class Action(enum.Flag):
    """What a report does."""

    NOTHING = 0
    DISPLAY = 1
    """Tell the handler; without one, warn (from WARNING on) or log."""
    LOG = 2
    """Write to the logger "cosim"."""
    STOP = 4
    """Stop the simulation."""
    THROW = 8
    """Raise an error where the report was made."""


class Verbosity(enum.IntEnum):
    """How much an INFO must matter to be reported; the values are the standard's."""

    NONE = 0
    LOW = 100
    MEDIUM = 200
    HIGH = 300
    FULL = 400
    DEBUG = 500


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

_DEFAULT_ACTIONS: Final = {
    Severity.INFO: Action.DISPLAY,
    Severity.WARNING: Action.DISPLAY,
    Severity.ERROR: Action.THROW,
    Severity.FATAL: Action.DISPLAY | Action.THROW,
}


class SimulationWarning(UserWarning):
    """A warning report, where no handler is set."""


class ReportError(RuntimeError):
    """A report that was raised: `identifier`, `severity`, `message`."""

    def __init__(self, identifier: str, severity: Severity, message: str) -> None:
        super().__init__(identifier, severity, message)
        self.identifier = identifier
        self.severity = severity
        self.message = message

    def __str__(self) -> str:
        return self.message


Handler = Callable[[ReportType, Severity, str], None]
_Scope = tuple[str | None, Severity | None]


class Reports:
    """The reports of one simulator.

    `handler` gets what is displayed. Without one, warnings go to Python's `warnings` as SimulationWarning, infos to the
    logger "cosim". Actions and limits can be set for a severity, for an id, or for both; what is most specific counts.
    Without an id and a severity, a call speaks of all reports.
    """

    def __init__(self, stop: Callable[[], None] | None = None) -> None:
        self.handler: Handler | None = None
        self.verbosity: int = Verbosity.MEDIUM
        """Infos of a higher verbosity are dropped and not counted."""
        self._stop = stop
        self._severities: dict[str, Severity] = {}
        self._actions: dict[_Scope, Action] = {(None, severity): _DEFAULT_ACTIONS[severity] for severity in Severity}
        self._limits: dict[_Scope, int] = {}
        self._counts: Counter[_Scope] = Counter()
        self._suppressed = self._forced = Action.NOTHING

    # ---- making reports -----------------------------------------------------------------------------------

    def info(self, identifier: str, message: str, verbosity: int = Verbosity.MEDIUM) -> None:
        """Report something worth knowing, if `verbosity` is not above the set one."""
        if verbosity <= self.verbosity:
            self.report(ReportType(identifier, Severity.INFO), message)

    def warning(self, identifier: str, message: str) -> None:
        """Report something doubtful."""
        self.report(ReportType(identifier, Severity.WARNING), message)

    def error(self, identifier: str, message: str) -> None:
        """Report something wrong: ReportError, unless actions say otherwise."""
        self.report(ReportType(identifier, Severity.ERROR), message)

    def fatal(self, identifier: str, message: str) -> None:
        """Report that the run makes no sense any more: displayed, then ReportError."""
        self.report(ReportType(identifier, Severity.FATAL), message)

    def report(self, report: ReportType, message: str, error: type[Exception] | None = None) -> None:
        """Report `message`; where it is to be raised, as `error`, or ReportError."""
        identifier = report.identifier
        severity = self._severities.get(identifier, report.severity)
        scopes: tuple[_Scope, ...] = ((identifier, severity), (identifier, None), (None, severity))
        actions = next(self._actions[scope] for scope in scopes if scope in self._actions)
        actions = (actions & ~self._suppressed) | self._forced
        self._counts.update((*scopes, (None, None)))
        for scope in (*scopes, (None, None)):
            limit = self._limits.get(scope)
            if limit is not None:
                if limit and self._counts[scope] >= limit:
                    actions |= Action.STOP
                break
        if Action.DISPLAY in actions:
            self._display(report, severity, message)
        if Action.LOG in actions:
            logging.getLogger("cosim").log(10 * (severity + 2), "%s", message)
        if Action.STOP in actions and self._stop is not None:
            self._stop()
        if Action.THROW in actions:
            raise ReportError(identifier, severity, message) if error is None else error(message)

    def _display(self, report: ReportType, severity: Severity, message: str) -> None:
        if self.handler is not None:
            self.handler(report, severity, message)
        elif severity >= Severity.WARNING:
            warnings.warn(message, SimulationWarning, stacklevel=4)
        else:
            logging.getLogger("cosim").info("%s", message)

    # ---- what they do -------------------------------------------------------------------------------------

    def set_severity(self, report: ReportType | str, severity: Severity) -> None:
        """Treat all reports of this type, or id, as that severe from now on."""
        self._severities[report if isinstance(report, str) else report.identifier] = severity

    def set_actions(
        self, actions: Action | None, *, identifier: str | None = None, severity: Severity | None = None
    ) -> Action | None:
        """Set what reports do; None: as if it had not been set. Returns what was set before, or None."""
        if identifier is None and severity is None:
            raise ValueError("actions are set for an identifier, a severity, or both")
        before = self._actions.pop((identifier, severity), None)
        if actions is None and identifier is None and severity is not None:
            actions = _DEFAULT_ACTIONS[severity]
        if actions is not None:
            self._actions[identifier, severity] = actions
        return before

    def suppress(self, actions: Action = Action.NOTHING) -> None:
        """Have no report do these, whatever is set for it, until the next call."""
        self._suppressed = actions

    def force(self, actions: Action = Action.NOTHING) -> None:
        """Have every report do these, too, until the next call."""
        self._forced = actions

    def stop_after(self, limit: int | None, *, identifier: str | None = None, severity: Severity | None = None) -> None:
        """Stop the simulation at the `limit`-th report, counted from the start; 0: never; None: as if not set."""
        if limit is None:
            self._limits.pop((identifier, severity), None)
            return
        if limit < 0:
            raise ValueError(f"limit: expected at least 0, got {limit}")
        self._limits[identifier, severity] = limit

    def count(self, *, identifier: str | None = None, severity: Severity | None = None) -> int:
        """How many there have been, whether displayed or not."""
        return self._counts[identifier, severity]
