// Clocked threads, threads and methods with synchronous and asynchronous resets of both levels.
#include "log.h"

struct Top : sc_module {
    sc_clock clk{"clk", ns(10), 0.5, ns(5)};
    sc_signal<bool> rst{"rst", false}, nrst{"nrst", true};
    sc_in<bool> edge{"edge"};
    int runs = 0;
    SC_CTOR(Top) {
        edge(clk);
        SC_CTHREAD(sync, edge.pos());
        reset_signal_is(rst, true);
        SC_CTHREAD(async, edge.pos());
        async_reset_signal_is(nrst, false);
        SC_CTHREAD(free, edge.neg());
        SC_CTHREAD(counts, edge.pos());
        reset_signal_is(rst, true);
        async_reset_signal_is(nrst, false);
        SC_THREAD(thread);
        sensitive << clk.negedge_event();
        reset_signal_is(rst, true);
        async_reset_signal_is(nrst, false);
        SC_METHOD(method);
        sensitive << clk.posedge_event();
        dont_initialize();
        async_reset_signal_is(nrst, false);
        SC_THREAD(drive);
    }
    void ticks(const char *who) {
        note(who, "begin");
        for (int tick = 1;; tick++) {
            wait();
            note(who, "tick", tick);
        }
    }
    void sync() { ticks("sync"); }
    void async() { ticks("async"); }
    void free() {
        note("free", "begin");
        for (int tick = 1;; tick++) {
            wait(3);
            note("free", "three later", tick);
        }
    }
    void counts() {
        note("counts", "begin");
        for (int tick = 1;; tick++) {
            wait(4);
            note("counts", "four later", tick);
        }
    }
    void thread() {
        note("thread", "begin");
        for (int tick = 1;; tick++) {
            wait(2);
            note("thread", "two edges", tick);
            wait(ns(7));
            note("thread", "a time", tick);
        }
    }
    void method() {
        note("method", "run", ++runs);
        if (runs == 2) next_trigger(ns(100));
    }
    void drive() {
        wait(ns(27));
        rst = true;
        note("drive", "rst", true);
        wait(ns(20));
        rst = false;
        note("drive", "rst", false);
        wait(ns(51));
        nrst = false;
        note("drive", "nrst", false);
        wait(ns(21));
        nrst = true;
        note("drive", "nrst", true);
        wait(ns(32));
        rst = true;
        note("drive", "rst between edges", true);
        wait(ns(1));
        rst = false;
        wait(ns(30));
        nrst = false;
        note("drive", "nrst between edges", false);
        wait(ns(1));
        nrst = true;
        wait(ns(50));
        sc_stop();
    }
};

int sc_main(int, char *[]) {
    sc_report_handler::set_handler(report_line);
    Top top("top");
    sc_start();
    note("main", "done");
    return 0;
}
