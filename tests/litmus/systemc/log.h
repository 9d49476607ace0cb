// What the litmus programs of this folder share: JSON lines on stdout, cases in a simulator of their own, reports as
// lines.
#pragma once
#define SC_INCLUDE_DYNAMIC_PROCESSES
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <string>
#include <systemc>

using namespace sc_core;
using sc_dt::sc_logic;

inline std::string json(const std::string &text) {
    std::string quoted = "\"";
    for (char letter : text) {
        if (letter == '"' || letter == '\\') quoted += '\\';
        quoted += letter;
    }
    return quoted + "\"";
}
inline std::string json(const char *text) {
    return json(std::string(text));
}
inline std::string json(bool value) {
    return value ? "true" : "false";
}
inline std::string json(int value) {
    return std::to_string(value);
}
inline std::string json(unsigned value) {
    return std::to_string(value);
}
inline std::string json(unsigned long value) {
    return std::to_string(value);
}
inline std::string json(unsigned long long value) {
    return std::to_string(value);
}
inline std::string json(const sc_time &value) {
    return std::to_string(value.value());
}

// A line with time and delta count; `plain` is one without.
template <class Value> void note(const std::string &who, const std::string &what, const Value &value) {
    std::printf("{\"t_ps\":%llu,\"delta\":%llu,\"who\":%s,\"what\":%s,\"value\":%s}\n",
                static_cast<unsigned long long>(sc_time_stamp().value()),
                static_cast<unsigned long long>(sc_delta_count()), json(who).c_str(), json(what).c_str(),
                json(value).c_str());
}
inline void note(const std::string &who, const std::string &what) {
    note(who, what, 0);
}
template <class Value> void plain(const std::string &who, const std::string &what, const Value &value) {
    std::printf("{\"who\":%s,\"what\":%s,\"value\":%s}\n", json(who).c_str(), json(what).c_str(), json(value).c_str());
}

// The kernel's own reports become lines; its errors are thrown, as they are by default.
inline void report_line(const sc_report &report, const sc_actions &actions) {
    if (actions & SC_THROW) throw report;
    if (std::string(report.get_msg_type()) == "/IEEE_Std_1666/deprecated") return;
    const char *severity = report.get_severity() == SC_INFO ? "info" : "warning";
    note("report", severity, std::string(report.get_msg_type()));
}
inline bool guard(const std::function<void()> &action) {
    try {
        action();
        return true;
    } catch (const sc_report &report) {
        note("report", "error", std::string(report.get_msg_type()));
        return false;
    }
}

// Each case runs in a process of its own, because SystemC has one simulator for each process.
inline void scenario(const char *name, const std::function<void()> &body) {
    plain("case", "begin", name);
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        sc_report_handler::set_handler(report_line);
        guard(body);
        std::fflush(stdout);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    plain("case", "end", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

inline sc_time ns(double value) {
    return sc_time(value, SC_NS);
}
