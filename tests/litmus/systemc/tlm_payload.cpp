// The generic payload: extensions that stay and that go, deep copies and what comes back from them.
#include "tlm_log.h"

struct Route : tlm::tlm_extension<Route> {
    int hops;
    explicit Route(int hops) : hops(hops) {}
    tlm::tlm_extension_base *clone() const override { return new Route(hops); }
    void copy_from(const tlm::tlm_extension_base &other) override { hops = static_cast<const Route &>(other).hops; }
};
struct Ticket : tlm::tlm_extension<Ticket> { // cannot be cloned
    int number;
    explicit Ticket(int number) : number(number) {}
    tlm::tlm_extension_base *clone() const override { return nullptr; }
    void copy_from(const tlm::tlm_extension_base &other) override {
        number = static_cast<const Ticket &>(other).number;
    }
};
struct Keeper : tlm::tlm_mm_interface {
    int given_back = 0;
    void free(Payload *payload) override {
        given_back++;
        payload->reset();
    }
};

static int hops(const Payload &payload) {
    const Route *route = payload.get_extension<Route>();
    return route ? route->hops : -1;
}
static int number(const Payload &payload) {
    const Ticket *ticket = payload.get_extension<Ticket>();
    return ticket ? ticket->number : -1;
}

int sc_main(int, char *[]) {
    Payload payload;
    plain("set", "old", payload.set_extension(new Route(1)) != nullptr);
    plain("set", "hops", hops(payload));
    Route *old = payload.set_extension(new Route(2));
    plain("set", "old", old ? old->hops : -1);
    plain("set", "hops", hops(payload));
    plain("set", "another kind", number(payload));
    payload.clear_extension<Route>();
    plain("clear", "hops", hops(payload));

    Keeper keeper;
    Payload *pooled = new Payload(&keeper);
    pooled->acquire();
    pooled->acquire();
    pooled->set_extension(new Route(3));
    pooled->set_auto_extension(new Ticket(4));
    pooled->release();
    plain("pool", "given back", keeper.given_back);
    plain("pool", "references", pooled->get_ref_count());
    plain("pool", "ticket", number(*pooled));
    pooled->release();
    plain("pool", "given back", keeper.given_back);
    plain("pool", "hops stay", hops(*pooled));
    plain("pool", "the ticket goes", number(*pooled));

    unsigned char data[8] = {0, 1, 2, 3, 4, 5, 6, 7}, copied[8] = {}, enable[2] = {0xff, 0x00}, enabled[2] = {};
    Payload original, copy;
    set_up(original, tlm::TLM_READ_COMMAND, 0x40, data, 8);
    original.set_byte_enable_ptr(enable);
    original.set_byte_enable_length(2);
    original.set_streaming_width(4);
    original.set_dmi_allowed(true);
    original.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
    original.set_extension(new Route(5));
    original.set_extension(new Ticket(6));
    copy.set_data_ptr(copied);
    copy.set_byte_enable_ptr(enabled);
    copy.deep_copy_from(original);
    plain("copy", "command", copy.is_read());
    plain("copy", "address", copy.get_address());
    plain("copy", "data", hex(copied, 8));
    plain("copy", "byte enable", hex(enabled, copy.get_byte_enable_length()));
    plain("copy", "streaming width", copy.get_streaming_width());
    plain("copy", "dmi", copy.is_dmi_allowed());
    plain("copy", "response", static_cast<int>(copy.get_response_status()));
    plain("copy", "hops", hops(copy));
    plain("copy", "ticket", number(copy));
    copy.get_extension<Route>()->hops = 7;
    plain("copy", "hops of the original", hops(original));
    copy.set_extension(new Ticket(8));
    copy.deep_copy_from(original);
    plain("copy", "hops again", hops(copy));
    plain("copy", "ticket, copied into", number(copy));

    for (unsigned i = 0; i < 8; i++)
        copied[i] = 0xa0 + i;
    copy.set_response_status(tlm::TLM_OK_RESPONSE);
    copy.set_dmi_allowed(false);
    copy.set_address(0x80);
    copy.get_extension<Route>()->hops = 9;
    original.clear_extension<Ticket>();
    original.update_original_from(copy);
    plain("update", "data", hex(data, 8));
    plain("update", "response", static_cast<int>(original.get_response_status()));
    plain("update", "dmi", original.is_dmi_allowed());
    plain("update", "address", original.get_address());
    plain("update", "hops", hops(original));
    plain("update", "ticket", number(original));
    original.update_original_from(copy, false);
    plain("update", "data without byte enables", hex(data, 8));
    original.set_write();
    for (unsigned i = 0; i < 8; i++)
        copied[i] = 0xb0 + i;
    original.update_original_from(copy);
    plain("update", "data of a write", hex(data, 8));
    return 0;
}
