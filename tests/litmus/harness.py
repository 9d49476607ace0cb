"""Logs of litmus designs, and their comparison with what SystemC 2.3.4 printed for the same designs.

A line of a log is {"t_ps", "delta", "who", "what", "value"}; lines that do not depend on the clock have no time.
`case` brackets a run in a simulator of its own. A report of the kernel is logged as who="report" with the message type
that SystemC gives the same thing.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from cosim import kernel
from cosim.kernel import report as reports

NS = 1000
EXPECTED = Path(__file__).parent / "expected"

REPORT_TEXT = {
    reports.NAME_EXISTS: "object already exists",
    reports.NAME_CHARACTERS: "illegal characters",
    reports.SELF_NOTIFICATION: "immediate self-notification ignored as of IEEE 1666-2011",
    reports.NO_ACTIVITY: "no activity or clock movement for sc_start() invocation",
    reports.STOPPED: "/OSCI/SystemC",
    reports.STOPPED_ALREADY: "sc_stop has already been called",
}
# More specific classes first.
ERROR_TEXT = [
    (kernel.CompleteBindingError, "", "complete binding failed"),
    (kernel.BindInterfaceError, "", "bind interface to port failed"),
    (kernel.GetInterfaceError, "", "get interface failed"),
    (kernel.ExportInterfaceError, "", "sc_export instance has no interface"),
    (kernel.MultipleDriverError, "", "sc_signal<T> cannot have more than one driver"),
    (kernel.ModuleInsertionError, "", "insert module failed"),
    (kernel.ChannelInsertionError, "", "insert primitive channel failed"),
    (kernel.StoppedError, "", "sc_start called after sc_stop has been called"),
    (kernel.FifoPortError, "more than one reader", "sc_fifo<T> cannot have more than one reader"),
    (kernel.FifoPortError, "more than one writer", "sc_fifo<T> cannot have more than one writer"),
    (kernel.BindingError, "the socket converts nothing", "/OSCI_TLM-2/passthrough_socket"),
    (ValueError, "requires an initial value >= 0", "sc_semaphore requires an initial value >= 0"),
    (ValueError, "must have a size of at least 1", "sc_fifo<T> must have a size of at least 1"),
    (ValueError, "period is zero", "sc_clock period is zero"),
    (ValueError, "high time is zero", "sc_clock high time is zero"),
    (ValueError, "time resolution", "set time resolution failed"),
]


class Log:
    """Collects the lines of one design."""

    def __init__(self, shuffle_seed=None):
        self.rows = []
        self.unit = 1
        self.simulator = None
        self.shuffle_seed = shuffle_seed

    def new_simulator(self, **options):
        """A fresh simulator, whose reports are logged."""
        self.simulator = kernel.Simulator(shuffle_seed=self.shuffle_seed, **options)
        self.simulator.reports.handler = self._report
        return self.simulator

    def __call__(self, who, what, value=0):
        """Log with time and delta count."""
        self.rows.append(
            {
                "t_ps": self.simulator.now * self.unit,
                "delta": self.simulator.delta_count,
                "who": who,
                "what": what,
                "value": value,
            }
        )

    def plain(self, who, what, value):
        """Log something that does not depend on the clock."""
        self.rows.append({"who": who, "what": what, "value": value})

    def _report(self, report, severity, message):
        self("report", severity.name.lower(), REPORT_TEXT[report])

    def error(self, error):
        """Log an error of the kernel; what is not known as one is raised."""
        for kind, part, text in ERROR_TEXT:
            if isinstance(error, kind) and part in str(error):
                self("report", "error", text)
                return
        raise error

    @contextlib.contextmanager
    def guard(self):
        """Log an error instead of raising it."""
        try:
            yield
        except Exception as error:
            self.error(error)

    @contextlib.contextmanager
    def case(self, name, **options):
        """A part of the log in a simulator of its own, which ends at the first error."""
        self.rows.append({"who": "case", "what": "begin", "value": name})
        with self.guard():
            yield self.new_simulator(**options)
        self.rows.append({"who": "case", "what": "end", "value": 0})
        self.unit = 1


def expected(name):
    """What SystemC printed for a design."""
    return [json.loads(line) for line in (EXPECTED / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def comparable(rows, mode):
    """Rows as they may be compared.

    "exact": as they are. "phase": sorted by case, time, delta count and speaker, because the order of different
    speakers within one evaluation phase is free. "time": the same without the delta count.
    """
    if mode == "exact":
        return rows
    case, keyed = (0, ""), []
    for original in rows:
        row = {key: value for key, value in original.items() if mode != "time" or key != "delta"}
        if row["who"] == "case" and row["what"] == "begin":
            case = (case[0] + 1, row["value"])
        keyed.append(((case, row.get("t_ps", -1), row.get("delta", -1), row["who"]), row))
    return [row for _, row in sorted(keyed, key=lambda item: item[0])]
