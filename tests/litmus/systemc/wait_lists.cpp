// Lists of events to wait for: with time-outs, of zero time, made step by step, over several instants, by threads and
// methods.
#include "log.h"

struct Top : sc_module {
    sc_event a{"a"}, b{"b"}, c{"c"}, never{"never"};
    int runs = 0;
    SC_CTOR(Top) {
        SC_THREAD(t);
        SC_THREAD(u);
        SC_METHOD(m);
        sensitive << c;
        SC_THREAD(drive);
    }
    void happened(const char *who, const char *what) {
        note(who, what,
             std::string(a.triggered() ? "a" : "") + (b.triggered() ? "b" : "") + (c.triggered() ? "c" : ""));
    }
    void t() {
        wait(SC_ZERO_TIME, a | b);
        note("t", "zero time-out of an or-list", timed_out());
        wait(SC_ZERO_TIME, a & b);
        note("t", "zero time-out of an and-list", timed_out());
        sc_event_or_list any;
        any |= a;
        any |= b;
        wait(any);
        happened("t", "made step by step");
        wait(any);
        happened("t", "both in one delta cycle");
        sc_event_and_list all;
        all &= a;
        all &= b;
        all &= c;
        wait(ns(20), all);
        note("t", "incomplete", timed_out());
        wait(all);
        happened("t", "counts from the wait on");
        wait(ns(5), never | c);
        note("t", "too late", timed_out());
        wait(ns(50), a & b);
        note("t", "in time", timed_out());
        wait(a);
        happened("t", "delta notification");
        wait(ns(3));
        note("t", "the end");
    }
    // Waits for the same events as t, in other words.
    void u() {
        for (int count = 0; count < 6; count++) {
            wait(ns(7), a | never);
            note("u", "timed out", timed_out());
        }
        wait(never | b | never);
        happened("u", "twice in the list");
    }
    void m() {
        happened("m", "run");
        if (runs > 0 && runs < 6) note("m", "timed out", timed_out());
        switch (runs++) {
        case 0:
            next_trigger(ns(12), a & b);
            break;
        case 1:
            next_trigger(SC_ZERO_TIME, a | b);
            break;
        case 2:
            next_trigger(a & b & a);
            break;
        case 3:
            next_trigger(ns(100), never | a);
            break;
        case 4:
            next_trigger(ns(1), never & a);
            break;
        default:
            break; // static sensitivity
        }
    }
    void drive() {
        wait(ns(10));
        b.notify();
        wait(ns(5));
        a.notify(SC_ZERO_TIME);
        b.notify(SC_ZERO_TIME);
        wait(ns(5));
        a.notify();
        wait(ns(5));
        c.notify();
        wait(ns(20));
        c.notify();
        a.notify();
        wait(ns(5));
        b.notify(ns(2));
        wait(ns(10));
        c.notify();
        wait(ns(2));
        a.notify();
        wait(ns(2));
        a.notify();
        b.notify(ns(1));
        wait(ns(10));
        a.notify(SC_ZERO_TIME);
        wait(ns(10));
        c.notify();
        b.notify(SC_ZERO_TIME);
        wait(ns(10));
        c.notify();
    }
};

int sc_main(int, char *[]) {
    sc_report_handler::set_handler(report_line);
    Top top("top");
    sc_start();
    note("main", "done");
    return 0;
}
