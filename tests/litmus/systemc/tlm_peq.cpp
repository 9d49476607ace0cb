// Both payload event queues: out of order, at one instant, with no delay and at once, emptied.
#include "tlm_log.h"

struct Top : sc_module {
    tlm_utils::peq_with_get<Payload> queue{"queue"};
    tlm_utils::peq_with_cb_and_phase<Top> called;
    Payload payloads[8];
    SC_CTOR(Top) : called(this, &Top::due) {
        for (int i = 0; i < 8; i++)
            payloads[i].set_address(i);
        SC_THREAD(get);
        SC_METHOD(on_event);
        sensitive << queue.get_event();
        dont_initialize();
        SC_THREAD(drive);
        SC_THREAD(drive_calls);
    }
    void get() {
        for (;;) {
            wait(queue.get_event());
            note("get", "wake");
            while (Payload *payload = queue.get_next_transaction())
                note("get", "payload", payload->get_address());
        }
    }
    void on_event() { note("on_event", "run"); }
    void drive() {
        queue.notify(payloads[0], ns(10));
        queue.notify(payloads[1], ns(4));
        queue.notify(payloads[2], SC_ZERO_TIME);
        queue.notify(payloads[3], ns(4));
        wait(ns(2));
        note("drive", "at once");
        queue.notify(payloads[4]);
        queue.notify(payloads[5], ns(1));
        wait(ns(18));
        queue.notify(payloads[6], ns(5));
        queue.notify(payloads[7], ns(2));
        wait(ns(3));
        note("drive", "cancel");
        queue.cancel_all();
        wait(ns(7));
        queue.notify(payloads[0], ns(2));
        queue.notify(payloads[1], ns(1));
        wait(ns(10));
        note("drive", "end");
    }
    void due(Payload &payload, const Phase &phase) {
        note("due", name_of(phase), payload.get_address());
        if (payload.get_address() == 3 && phase == tlm::BEGIN_REQ) {
            called.notify(payload, tlm::END_REQ, SC_ZERO_TIME);
            called.notify(payload, tlm::BEGIN_RESP, ns(1));
        }
    }
    void drive_calls() {
        wait(ns(100));
        called.notify(payloads[0], tlm::BEGIN_REQ, ns(10));
        called.notify(payloads[1], tlm::BEGIN_REQ, ns(4));
        called.notify(payloads[2], tlm::BEGIN_REQ, SC_ZERO_TIME);
        called.notify(payloads[3], tlm::BEGIN_REQ, ns(4));
        note("drive_calls", "posted");
        wait(ns(2));
        called.notify(payloads[4], tlm::END_REQ);
        note("drive_calls", "at once");
        wait(SC_ZERO_TIME);
        note("drive_calls", "a delta cycle later");
        wait(ns(18));
        called.notify(payloads[6], tlm::BEGIN_REQ, ns(5));
        called.notify(payloads[7], tlm::BEGIN_REQ, SC_ZERO_TIME);
        called.cancel_all();
        note("drive_calls", "cancelled");
        wait(ns(10));
        called.notify(payloads[7], tlm::END_RESP, SC_ZERO_TIME);
        called.notify(payloads[6], tlm::END_RESP, SC_ZERO_TIME);
        wait(ns(1));
        note("drive_calls", "end");
    }
};

int sc_main(int, char *[]) {
    sc_report_handler::set_handler(report_line);
    Top top("top");
    sc_start();
    note("main", "done");
    return 0;
}
