"""Reports of a design's own: actions by severity, by id and by both; counts, limits, forced actions; verbosity."""

from litmus.harness import NS

from cosim.kernel import Action, Module, ReportError, Severity, Status, Verbosity


def run(log):
    for name, body in (("default actions", default_actions), ("chosen actions", chosen_actions)):
        with log.case(name) as simulator:
            simulator.reports.handler = display(log)
            body(simulator.reports, lambda *what: attempt(log, *what), log)
    limits = {
        "limit of a severity": [(2, {"severity": Severity.WARNING})],
        "limit of an id": [(3, {"identifier": "bus"}), (1, {"severity": Severity.WARNING})],
        "limit of both": [(1, {"identifier": "bus"}), (4, {"identifier": "bus", "severity": Severity.WARNING})],
    }
    for name, settings in limits.items():
        with log.case(name) as simulator:
            simulator.reports.handler = display(log)
            talker(log, simulator)
            for limit, scope in settings:
                simulator.reports.stop_after(limit, **scope)
            simulator.start()
            log("main", "stopped", simulator.status is Status.STOPPED)
    with log.case("an error ends the run") as simulator:
        simulator.reports.handler = display(log)
        said = talker(log, simulator)
        simulator.reports.set_actions(Action.THROW | Action.DISPLAY, identifier="bus")
        attempt(log, "start", simulator.start)
        log("main", "said", len(said))


def display(log):
    def handler(report, severity, message):
        if report.identifier != "simulation stopped":
            log(report.identifier, severity.name.lower(), message)

    return handler


def attempt(log, what, action, *arguments):
    try:
        action(*arguments)
        log("main", what, "nothing thrown")
    except ReportError as error:
        log("main", what, f"{error.identifier} {error.severity.name.lower()}: {error.message}")


def talker(log, simulator):
    said = []

    def talk():
        while True:
            yield 10 * NS
            said.append(simulator.now)
            log("talker", "says", len(said))
            simulator.reports.warning("bus", "busy")
            log("talker", "goes on")

    Module(simulator, "talker").thread(talk)
    return said


def default_actions(reports, attempt, log):
    attempt("info", reports.info, "bus", "idle")
    attempt("warning", reports.warning, "bus", "busy")
    attempt("error", reports.error, "bus", "broken")
    attempt("verbose", reports.info, "bus", "debugging", Verbosity.DEBUG)
    reports.verbosity = Verbosity.DEBUG
    attempt("verbose", reports.info, "bus", "debugging", Verbosity.DEBUG)
    log("main", "infos", reports.count(severity=Severity.INFO))
    log("main", "errors", reports.count(severity=Severity.ERROR))
    log("main", "of the bus", reports.count(identifier="bus"))
    log("main", "infos of the bus", reports.count(identifier="bus", severity=Severity.INFO))
    log("main", "of nobody", reports.count(identifier="nobody"))


def chosen_actions(reports, attempt, log):
    reports.set_actions(Action.THROW, severity=Severity.WARNING)
    attempt("a warning that throws", reports.warning, "bus", "busy")
    reports.set_actions(Action.NOTHING, identifier="bus")
    attempt("an id that is silent", reports.warning, "bus", "busy")
    attempt("an error of a silent id", reports.error, "bus", "broken")
    reports.set_actions(Action.DISPLAY, identifier="bus", severity=Severity.ERROR)
    attempt("an error that is shown", reports.error, "bus", "broken")
    attempt("a warning of the same id", reports.warning, "bus", "busy")
    attempt("a warning of another id", reports.warning, "memory", "full")
    reports.set_actions(None, identifier="bus", severity=Severity.ERROR)
    reports.set_actions(None, identifier="bus")
    attempt("by severity again", reports.warning, "bus", "busy")
    reports.suppress(Action.THROW)
    attempt("throwing suppressed", reports.error, "bus", "broken")
    reports.force(Action.DISPLAY)
    attempt("display forced", reports.error, "bus", "broken")
    reports.suppress()
    reports.force()
    attempt("as before", reports.error, "bus", "broken")
