// Control of processes beyond the first design: sticky resets, events of resets, families of processes, control of
// oneself.
#include "log.h"

struct Unwound {
    const char *who;
    explicit Unwound(const char *name) : who(name) {}
    ~Unwound() { note(who, "unwinding", sc_is_unwinding()); }
};

struct Sticky : sc_module {
    sc_event e{"e"};
    sc_process_handle target;
    SC_CTOR(Sticky) {
        SC_THREAD(thread);
        target = sc_get_current_process_handle();
        SC_THREAD(watch);
        SC_THREAD(drive);
    }
    void thread() {
        Unwound guard("thread");
        note("thread", "begin");
        for (;;) {
            wait(e);
            note("thread", "e");
        }
    }
    void watch() {
        for (;;) {
            wait(target.reset_event());
            note("watch", "reset");
        }
    }
    void drive() {
        wait(ns(10));
        e.notify();
        wait(ns(10));
        target.sync_reset_on();
        note("drive", "reset on");
        e.notify();
        wait(ns(10));
        e.notify(SC_ZERO_TIME);
        wait(ns(10));
        target.sync_reset_off();
        note("drive", "reset off");
        e.notify();
        wait(ns(10));
        target.reset();
        note("drive", "was reset");
        wait(ns(10));
        target.suspend();
        e.notify();
        wait(ns(1));
        target.kill();
        note("drive", "killed while suspended", target.terminated());
        wait(ns(10));
    }
};

struct Family : sc_module {
    sc_process_handle parent;
    SC_CTOR(Family) {
        SC_THREAD(head);
        parent = sc_get_current_process_handle();
        SC_THREAD(drive);
    }
    void member(const char *who, double period) {
        Unwound guard(who);
        for (int tick = 1;; tick++) {
            wait(ns(period));
            note(who, "tick", tick);
        }
    }
    void child() {
        sc_spawn([this] { member("grandchild", 5); }, "grandchild");
        member("child", 4);
    }
    void head() {
        sc_spawn([this] { child(); }, "child");
        member("head", 3);
    }
    void drive() {
        wait(ns(7.5));
        note("drive", "suspend the head");
        parent.suspend();
        wait(ns(10));
        parent.resume();
        note("drive", "suspend all");
        parent.suspend(SC_INCLUDE_DESCENDANTS);
        wait(ns(10));
        note("drive", "resume all");
        parent.resume(SC_INCLUDE_DESCENDANTS);
        wait(ns(10));
        note("drive", "kill the head");
        parent.kill();
        note("drive", "its children", static_cast<unsigned>(parent.get_child_objects().size()));
        wait(ns(10));
        note("drive", "stop");
        sc_stop();
    }
};

struct Extinct : sc_module {
    sc_process_handle parent;
    SC_CTOR(Extinct) {
        SC_THREAD(head);
        parent = sc_get_current_process_handle();
        SC_THREAD(drive);
    }
    void member(const char *who) {
        Unwound guard(who);
        wait(ns(1000));
    }
    void head() {
        sc_spawn([this] { member("child"); }, "child");
        member("head");
    }
    void drive() {
        wait(ns(10));
        parent.kill(SC_INCLUDE_DESCENDANTS);
        note("drive", "all are gone", parent.terminated());
    }
};

struct Oneself : sc_module {
    sc_event e{"e"}, f{"f"};
    sc_process_handle sleeper, method, again;
    int starts = 0, runs = 0;
    SC_CTOR(Oneself) {
        SC_THREAD(sleep);
        sleeper = sc_get_current_process_handle();
        SC_METHOD(run);
        sensitive << e;
        dont_initialize();
        method = sc_get_current_process_handle();
        SC_THREAD(restart);
        again = sc_get_current_process_handle();
        SC_THREAD(drive);
    }
    void sleep() {
        wait(ns(1));
        note("sleeper", "suspends itself");
        sleeper.suspend();
        note("sleeper", "was resumed");
        wait(e);
        note("sleeper", "e");
    }
    void run() {
        note("method", "run", ++runs);
        if (runs == 1) {
            method.suspend();
            note("method", "goes on to its end");
        }
    }
    void restart() {
        note("again", "begin", ++starts);
        wait(ns(2));
        if (starts < 3) {
            Unwound guard("again");
            again.reset();
            note("again", "never");
        }
        wait(f);
        note("again", "f");
    }
    void drive() {
        wait(ns(20));
        note("drive", "resume the sleeper");
        sleeper.resume();
        wait(ns(1));
        e.notify();
        wait(ns(1));
        e.notify();
        wait(ns(5));
        note("drive", "resume the method");
        method.resume();
        f.notify();
        wait(ns(1));
        note("drive", "end");
    }
};

struct Both : sc_module {
    sc_event e{"e"};
    sc_process_handle method, thread;
    SC_CTOR(Both) {
        SC_METHOD(run);
        sensitive << e;
        dont_initialize();
        method = sc_get_current_process_handle();
        SC_THREAD(wait_for_it);
        thread = sc_get_current_process_handle();
        SC_THREAD(drive);
    }
    void run() { note("method", "run"); }
    void wait_for_it() {
        for (;;) {
            wait(e);
            note("thread", "e");
        }
    }
    void drive() {
        wait(ns(1));
        note("drive", "suspend, notify in the same phase, resume");
        thread.suspend();
        method.suspend();
        e.notify(SC_ZERO_TIME);
        wait(ns(1));
        thread.resume();
        method.resume();
        wait(ns(1));
        note("drive", "disable with a pending notification");
        e.notify(SC_ZERO_TIME);
        thread.disable();
        method.disable();
        wait(ns(1));
        thread.enable();
        method.enable();
        note("drive", "enabled");
        wait(ns(1));
        note("drive", "suspend twice, resume once");
        thread.suspend();
        thread.suspend();
        e.notify();
        wait(ns(1));
        thread.resume();
        wait(ns(1));
        note("drive", "end");
    }
};

int sc_main(int, char *[]) {
    scenario("sticky", [] {
        Sticky top("top");
        sc_start();
        note("main", "done");
    });
    scenario("family", [] {
        Family top("top");
        sc_start();
        note("main", "done");
    });
    scenario("extinct", [] {
        Extinct top("top");
        sc_start();
        note("main", "done");
    });
    scenario("oneself", [] {
        Oneself top("top");
        sc_start();
        note("main", "done");
    });
    scenario("both", [] {
        Both top("top");
        sc_start();
        note("main", "done");
    });
    return 0;
}
