// Before and at time zero: writes, notifications and requests of elaboration, processes that do not start by
// themselves.
#include "log.h"

struct Top : sc_module {
    sc_event delta{"delta"}, timed{"timed"}, both{"both"}, dropped{"dropped"};
    sc_signal<int> s{"s", 3};
    SC_CTOR(Top) {
        delta.notify(SC_ZERO_TIME);
        timed.notify(ns(2));
        both.notify(ns(2));
        both.notify(SC_ZERO_TIME);
        dropped.notify(SC_ZERO_TIME);
        dropped.cancel();
        s.write(4);
        s.write(5);
        SC_METHOD(on_delta);
        sensitive << delta;
        dont_initialize();
        SC_METHOD(on_both);
        sensitive << both << dropped;
        dont_initialize();
        SC_METHOD(on_s);
        sensitive << s;
        dont_initialize();
        SC_METHOD(eager);
        sensitive << timed << s;
        SC_THREAD(late);
        sensitive << timed;
        dont_initialize();
        SC_THREAD(chain);
        SC_THREAD(dynamic);
    }
    void on_delta() { note("on_delta", "run"); }
    void on_both() { note("on_both", "run"); }
    void on_s() { note("on_s", "value", s.read()); }
    void eager() { note("eager", "value", s.read()); }
    void late() {
        note("late", "begin");
        wait(SC_ZERO_TIME);
        note("late", "end");
    }
    void chain() {
        note("chain", "value", s.read());
        s.write(6);
        wait(s.value_changed_event());
        note("chain", "value", s.read());
        wait(SC_ZERO_TIME);
        note("chain", "end");
    }
    void dynamic() {
        wait(delta);
        note("dynamic", "delta, which was notified before anybody waited");
    }
    void start_of_simulation() override {
        plain("top", "start_of_simulation", s.read());
        s.write(7);
    }
};

int sc_main(int, char *[]) {
    sc_report_handler::set_handler(report_line);
    Top top("top");
    note("main", "before the start", top.s.read());
    sc_start(SC_ZERO_TIME);
    note("main", "one delta cycle", top.s.read());
    sc_start();
    note("main", "done");
    return 0;
}
