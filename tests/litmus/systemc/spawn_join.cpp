// Processes made while the design runs: threads and methods, fork and join, results, names.
#include "log.h"

struct Top : sc_module {
    sc_event e{"e"};
    int result = 0;
    SC_CTOR(Top) { SC_THREAD(main_thread); }
    int work(const char *who, double time, int value) {
        note(who, "begin");
        if (time > 0) wait(ns(time));
        note(who, "end");
        return value;
    }
    void main_thread() {
        wait(ns(10));
        note("main_thread", "spawn");
        sc_process_handle one = sc_spawn(&result, sc_bind(&Top::work, this, "one", 5.0, 41), "one");
        note("main_thread", "result too early", result);
        note("main_thread", "name", std::string(one.name()));
        wait(one.terminated_event());
        note("main_thread", "result", result);
        note("main_thread", "terminated", one.terminated());

        sc_spawn_options options;
        options.spawn_method();
        options.dont_initialize();
        options.set_sensitivity(&e);
        sc_process_handle method = sc_spawn([this] { note("method", "run"); }, "method", &options);
        sc_spawn_options initialized;
        initialized.spawn_method();
        initialized.set_sensitivity(&e);
        sc_spawn([this] { note("eager", "run"); }, "eager", &initialized);
        sc_spawn_options waiting;
        waiting.dont_initialize();
        waiting.set_sensitivity(&e);
        sc_spawn(
            [this] {
                note("late", "begin");
                wait();
                note("late", "again");
            },
            "late", &waiting);
        wait(ns(1));
        e.notify();
        wait(ns(1));
        e.notify(SC_ZERO_TIME);
        wait(ns(1));

        note("main_thread", "fork");
        SC_FORK
        sc_spawn([this] { work("fork_a", 3, 0); }, "fork_a"), sc_spawn([this] { work("fork_b", 1, 0); }, "fork_b"),
            sc_spawn([this] { work("fork_c", 2, 0); }, "fork_c"), SC_JOIN note("main_thread", "joined");

        sc_join join;
        sc_process_handle quick = sc_spawn([this] { work("quick", 0, 0); }, "quick");
        sc_process_handle slow = sc_spawn([this] { work("slow", 4, 0); }, "slow");
        join.add_process(quick);
        join.add_process(slow);
        note("main_thread", "processes", join.process_count());
        sc_spawn(
            [this, &join] {
                join.wait();
                note("second", "joined, too");
            },
            "second");
        wait(ns(1));
        note("main_thread", "processes left", join.process_count());
        join.wait();
        note("main_thread", "joined", join.process_count());
        wait(SC_ZERO_TIME);

        sc_process_handle killed = sc_spawn([this] { work("killed", 100, 0); }, "killed");
        sc_join other;
        other.add_process(killed);
        sc_spawn(
            [this, &killed] {
                wait(ns(2));
                killed.kill();
            },
            "killer");
        other.wait();
        note("main_thread", "joined a killed one");

        sc_spawn(
            [this] {
                note("outer", "begin");
                sc_process_handle inner = sc_spawn([this] { work("inner", 2, 0); }, "inner");
                note("outer", "name", std::string(inner.name()));
                wait(inner.terminated_event());
                note("outer", "end");
            },
            "outer");
        wait(ns(5));
        note("main_thread", "end");
    }
};

int sc_main(int, char *[]) {
    sc_report_handler::set_handler(report_line);
    Top top("top");
    sc_start();
    note("main", "done");
    return 0;
}
