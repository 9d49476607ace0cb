// A channel of a user's own: updates asked for in every phase, once for many requests; ports registered; elaboration.
#include "log.h"

struct MailboxIf : virtual sc_interface {
    virtual void send(int letter) = 0;
    virtual int sent() const = 0;
};

struct Mailbox : sc_prim_channel, MailboxIf {
    int letters = 0, delivered = 0, rounds = 0;
    sc_event arrived;
    explicit Mailbox(const char *name) : sc_prim_channel(name) {}
    void send(int letter) override {
        letters += letter;
        request_update();
    }
    int sent() const override { return delivered; }
    const sc_event &default_event() const override { return arrived; }
    void register_port(sc_port_base &port, const char *) override { plain(port.name(), "registered", 0); }
    void update() override {
        note("mailbox", "update", letters);
        delivered = letters;
        if (letters) arrived.notify(SC_ZERO_TIME);
        if (++rounds == 3) {
            note("mailbox", "asks for one more update");
            request_update();
        }
        letters = 0;
    }
    void start_of_simulation() override { send(1); }
};

struct Top : sc_module {
    Mailbox mailbox{"mailbox"};
    sc_port<MailboxIf> out{"out"}, in{"in"};
    SC_CTOR(Top) {
        out(mailbox);
        in(mailbox);
        SC_METHOD(receive);
        sensitive << in;
        dont_initialize();
        SC_THREAD(drive);
    }
    void receive() { note("receive", "delivered", in->sent()); }
    void drive() {
        note("drive", "delivered at first", in->sent());
        out->send(10);
        out->send(20);
        note("drive", "not yet", in->sent());
        wait(SC_ZERO_TIME);
        note("drive", "a delta cycle later", in->sent());
        wait(ns(10));
        out->send(5);
        wait(mailbox.arrived);
        note("drive", "arrived", in->sent());
        out->send(-5);
        out->send(5);
        wait(ns(1));
        note("drive", "nothing came of it", in->sent());
    }
};

int sc_main(int, char *[]) {
    sc_report_handler::set_handler(report_line);
    Top top("top");
    top.mailbox.send(100);
    sc_start();
    top.mailbox.send(7);
    sc_start(ns(1));
    note("main", "after a send from outside", top.mailbox.delivered);
    return 0;
}
