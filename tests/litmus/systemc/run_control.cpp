// Running in pieces: pause from a method and from a thread, status, pending activity, notifications from outside, stop
// at the edges.
#include "log.h"

static std::string status() {
    switch (sc_get_status()) {
    case SC_ELABORATION:
        return "elaboration";
    case SC_RUNNING:
        return "running";
    case SC_PAUSED:
        return "paused";
    case SC_STOPPED:
        return "stopped";
    default:
        return "other";
    }
}
static void state(const char *after) {
    note("main", after, status());
    note("main", "pending now", sc_pending_activity_at_current_time());
    note("main", "pending later", sc_pending_activity_at_future_time());
    const sc_time next = sc_time_to_pending_activity();
    if (sc_pending_activity()) note("main", "time to it", next);
}

struct Pieces : sc_module {
    sc_event e{"e"}, f{"f"};
    sc_signal<int> s{"s"};
    int runs = 0;
    SC_CTOR(Pieces) {
        SC_METHOD(method);
        sensitive << e;
        dont_initialize();
        SC_METHOD(on_s);
        sensitive << s;
        dont_initialize();
        SC_THREAD(thread);
    }
    void method() {
        note("method", "run", ++runs);
        s = runs;
        if (runs == 1) {
            sc_pause();
            note("method", "goes on after pause", status());
        }
    }
    void on_s() { note("on_s", "value", s.read()); }
    void thread() {
        note("thread", "status", status());
        wait(ns(10));
        e.notify();
        note("thread", "notified");
        wait(ns(10));
        sc_pause();
        note("thread", "goes on after pause");
        wait(ns(10));
        note("thread", "later");
        wait(f);
        note("thread", "f");
    }
    void end_of_simulation() override { note("top", "end_of_simulation", status()); }
};

struct StopEarly : sc_module {
    SC_CTOR(StopEarly) { SC_THREAD(thread); }
    void thread() {
        note("thread", "begin");
        wait(ns(1));
        note("thread", "never");
    }
    void end_of_simulation() override { note("top", "end_of_simulation"); }
};

int sc_main(int, char *[]) {
    scenario("pieces", [] {
        Pieces top("top");
        state("elaborated");
        sc_start(ns(100));
        state("paused by the method");
        sc_start(ns(5));
        state("on_s and no more");
        sc_start();
        state("paused by the thread");
        sc_start();
        state("drained");
        top.f.notify(ns(5));
        state("notified from outside");
        sc_start(ns(5));
        state("not yet");
        sc_start(SC_ZERO_TIME);
        state("now");
        top.e.notify();
        state("immediately notified from outside");
        sc_start(SC_ZERO_TIME);
        state("one delta cycle");
        sc_start(SC_ZERO_TIME);
        state("two delta cycles");
        top.s = 99;
        sc_start(ns(3), SC_EXIT_ON_STARVATION);
        state("starved");
        sc_start(ns(3), SC_RUN_TO_TIME);
        state("run to time");
        sc_stop();
        state("stopped");
    });
    scenario("stop between runs", [] {
        StopEarly top("top");
        sc_start(SC_ZERO_TIME);
        sc_stop();
        note("main", "status", status());
        sc_start(ns(5));
        note("main", "never");
    });
    return 0;
}
