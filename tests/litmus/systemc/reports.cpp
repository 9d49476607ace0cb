// Reports of a design's own: actions by severity, by id and by both; counts, limits, suppressed and forced actions;
// verbosity.
#include "log.h"

static const char *const names[] = {"info", "warning", "error", "fatal"};

// Says what is displayed; stops and throws as the standard handler does.
static void handler(const sc_report &report, const sc_actions &actions) {
    if (actions & SC_DISPLAY && std::string(report.get_msg_type()) != "/OSCI/SystemC")
        note(report.get_msg_type(), names[report.get_severity()], std::string(report.get_msg()));
    if (actions & SC_STOP) sc_stop();
    if (actions & SC_THROW) throw report;
}

static void attempt(const char *what, const std::function<void()> &action) {
    try {
        action();
        note("main", what, "nothing thrown");
    } catch (const sc_report &report) {
        note("main", what,
             std::string(report.get_msg_type()) + " " + names[report.get_severity()] + ": " + report.get_msg());
    }
}

struct Talker : sc_module {
    int said = 0;
    SC_CTOR(Talker) { SC_THREAD(talk); }
    void talk() {
        for (;;) {
            wait(ns(10));
            note("talker", "says", ++said);
            SC_REPORT_WARNING("bus", "busy");
            note("talker", "goes on");
        }
    }
};

static void default_actions() {
    attempt("info", [] { SC_REPORT_INFO("bus", "idle"); });
    attempt("warning", [] { SC_REPORT_WARNING("bus", "busy"); });
    attempt("error", [] { SC_REPORT_ERROR("bus", "broken"); });
    attempt("verbose", [] { SC_REPORT_INFO_VERB("bus", "debugging", SC_DEBUG); });
    sc_report_handler::set_verbosity_level(SC_DEBUG);
    attempt("verbose", [] { SC_REPORT_INFO_VERB("bus", "debugging", SC_DEBUG); });
    note("main", "infos", sc_report_handler::get_count(SC_INFO));
    note("main", "errors", sc_report_handler::get_count(SC_ERROR));
    note("main", "of the bus", sc_report_handler::get_count("bus"));
    note("main", "infos of the bus", sc_report_handler::get_count("bus", SC_INFO));
    note("main", "of nobody", sc_report_handler::get_count("nobody"));
}

static void chosen_actions() {
    sc_report_handler::set_actions(SC_WARNING, SC_THROW);
    attempt("a warning that throws", [] { SC_REPORT_WARNING("bus", "busy"); });
    sc_report_handler::set_actions("bus", SC_DO_NOTHING);
    attempt("an id that is silent", [] { SC_REPORT_WARNING("bus", "busy"); });
    attempt("an error of a silent id", [] { SC_REPORT_ERROR("bus", "broken"); });
    sc_report_handler::set_actions("bus", SC_ERROR, SC_DISPLAY);
    attempt("an error that is shown", [] { SC_REPORT_ERROR("bus", "broken"); });
    attempt("a warning of the same id", [] { SC_REPORT_WARNING("bus", "busy"); });
    attempt("a warning of another id", [] { SC_REPORT_WARNING("memory", "full"); });
    sc_report_handler::set_actions("bus", SC_ERROR, SC_UNSPECIFIED);
    sc_report_handler::set_actions("bus", SC_UNSPECIFIED);
    attempt("by severity again", [] { SC_REPORT_WARNING("bus", "busy"); });
    sc_report_handler::suppress(SC_THROW);
    attempt("throwing suppressed", [] { SC_REPORT_ERROR("bus", "broken"); });
    sc_report_handler::force(SC_DISPLAY);
    attempt("display forced", [] { SC_REPORT_ERROR("bus", "broken"); });
    sc_report_handler::suppress();
    sc_report_handler::force();
    attempt("as before", [] { SC_REPORT_ERROR("bus", "broken"); });
}

int sc_main(int, char *[]) {
    const auto run = [](const char *name, const std::function<void()> &body) {
        scenario(name, [&body] {
            sc_report_handler::set_handler(handler);
            body();
        });
    };
    run("default actions", default_actions);
    run("chosen actions", chosen_actions);
    run("limit of a severity", [] {
        Talker talker("talker");
        sc_report_handler::stop_after(SC_WARNING, 2);
        sc_start();
        note("main", "stopped", sc_get_status() == SC_STOPPED);
    });
    run("limit of an id", [] {
        Talker talker("talker");
        sc_report_handler::stop_after("bus", 3);
        sc_report_handler::stop_after(SC_WARNING, 1);
        sc_start();
        note("main", "stopped", sc_get_status() == SC_STOPPED);
    });
    run("limit of both", [] {
        Talker talker("talker");
        sc_report_handler::stop_after("bus", 1);
        sc_report_handler::stop_after("bus", SC_WARNING, 4);
        sc_start();
        note("main", "stopped", sc_get_status() == SC_STOPPED);
    });
    run("an error ends the run", [] {
        Talker talker("talker");
        sc_report_handler::set_actions("bus", SC_THROW | SC_DISPLAY);
        attempt("start", [] { sc_start(); });
        note("main", "said", talker.said);
    });
    return 0;
}
