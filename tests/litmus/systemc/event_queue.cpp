// The event queue remembers every notification: one delta cycle for each that is due at an instant.
#include "log.h"

struct Top : sc_module {
    sc_event_queue queue{"queue"};
    sc_event_queue_port port{"port"};
    int wakes = 0, runs = 0;
    SC_CTOR(Top) {
        port(queue);
        SC_THREAD(listen);
        SC_METHOD(count);
        sensitive << queue;
        dont_initialize();
        SC_METHOD(count_at_port);
        sensitive << port;
        dont_initialize();
        SC_THREAD(drive);
    }
    void listen() {
        for (;;) {
            wait(queue.default_event());
            note("listen", "wake", ++wakes);
        }
    }
    void count() { note("count", "run", ++runs); }
    void count_at_port() { note("count_at_port", "run"); }
    void drive() {
        queue.notify(SC_ZERO_TIME);
        queue.notify(SC_ZERO_TIME);
        queue.notify(ns(5));
        queue.notify(2, SC_NS);
        queue.notify(ns(5));
        queue.notify(ns(5));
        wait(ns(5));
        note("drive", "one more for now");
        queue.notify(SC_ZERO_TIME);
        wait(ns(5));
        queue.notify(ns(3));
        queue.notify(ns(4));
        queue.notify(SC_ZERO_TIME);
        queue.cancel_all();
        note("drive", "all cancelled");
        wait(ns(10));
        queue.notify(ns(6));
        wait(ns(1));
        queue.notify(ns(5));
        queue.notify(ns(1));
        wait(ns(10));
        port->notify(ns(1));
        wait(ns(2));
        note("drive", "end");
    }
};

int sc_main(int, char *[]) {
    sc_report_handler::set_handler(report_line);
    Top top("top");
    sc_start();
    note("main", "done", top.wakes);
    return 0;
}
