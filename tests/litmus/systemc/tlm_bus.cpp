// An address-decoding, arbitrating bus: three initiators, two targets, three policies; requests of one instant, of
// others; translated debug accesses, direct memory and invalidations.
#include <algorithm>
#include <vector>

#include "tlm_log.h"

struct Request {
    int initiator;
    sc_time since;
    sc_event granted;
};
enum Policy { AGE, FIXED, ROUND_ROBIN };

// Decides in the update phase, on all requests so far.
struct Lane : sc_prim_channel {
    Policy policy;
    int initiators, last = -1;
    Request *owner = nullptr;
    std::vector<Request *> waiting;
    Lane(const char *name, Policy policy, int initiators)
        : sc_prim_channel(name), policy(policy), initiators(initiators) {}
    void ask(Request &request) {
        waiting.push_back(&request);
        request_update();
    }
    void release() {
        owner = nullptr;
        request_update();
    }
    bool before(const Request *a, const Request *b) const {
        if (policy == ROUND_ROBIN) {
            const int n = initiators;
            return (a->initiator - last - 1 + n) % n < (b->initiator - last - 1 + n) % n;
        }
        if (policy == AGE && a->since != b->since) return a->since < b->since;
        return a->initiator < b->initiator;
    }
    void update() override {
        if (owner || waiting.empty()) return;
        auto chosen = std::min_element(waiting.begin(), waiting.end(),
                                       [this](const Request *a, const Request *b) { return before(a, b); });
        owner = *chosen;
        last = owner->initiator;
        waiting.erase(chosen);
        owner->granted.notify(SC_ZERO_TIME);
    }
};

struct Bus : sc_module {
    tlm_utils::multi_passthrough_target_socket<Bus> in{"in"};
    tlm_utils::simple_initiator_socket_tagged<Bus> low{"low"}, high{"high"};
    Lane low_lane, high_lane;
    SC_HAS_PROCESS(Bus);
    Bus(sc_module_name name, Policy policy)
        : sc_module(name), low_lane("low_lane", policy, 3), high_lane("high_lane", policy, 3) {
        in.register_b_transport(this, &Bus::b_transport);
        in.register_transport_dbg(this, &Bus::transport_dbg);
        in.register_get_direct_mem_ptr(this, &Bus::get_direct_mem_ptr);
        low.register_invalidate_direct_mem_ptr(this, &Bus::invalidate, 0);
        high.register_invalidate_direct_mem_ptr(this, &Bus::invalidate, 1);
    }
    static constexpr unsigned start(int region) { return region ? 0x100 : 0; }
    static constexpr unsigned end(int region) { return region ? 0x140 : 0x40; }
    static int decode(unsigned long long address, unsigned length) {
        for (int region : {0, 1})
            if (address >= start(region) && address + length <= end(region)) return region;
        return -1;
    }
    void b_transport(int initiator, Payload &payload, sc_time &delay) {
        const int region = decode(payload.get_address(), payload.get_data_length());
        if (region < 0) {
            payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
            return;
        }
        if (delay != SC_ZERO_TIME) wait(delay);
        Request request{initiator, sc_time_stamp(), {}};
        Lane &lane = region ? high_lane : low_lane;
        lane.ask(request);
        wait(request.granted);
        const auto address = payload.get_address();
        payload.set_address(address - start(region));
        delay = ns(2);
        (region ? high : low)->b_transport(payload, delay);
        payload.set_address(address);
        if (delay != SC_ZERO_TIME) wait(delay);
        delay = SC_ZERO_TIME;
        lane.release();
    }
    unsigned transport_dbg(int, Payload &payload) {
        const auto address = payload.get_address();
        const int region = decode(address, 1);
        if (region < 0) return 0;
        const unsigned length = payload.get_data_length();
        payload.set_data_length(std::min<unsigned long long>(length, end(region) - address));
        payload.set_address(address - start(region));
        const unsigned moved = (region ? high : low)->transport_dbg(payload);
        payload.set_address(address);
        payload.set_data_length(length);
        return moved;
    }
    bool get_direct_mem_ptr(int, Payload &payload, Dmi &dmi) {
        const auto address = payload.get_address();
        const int region = decode(address, 1);
        if (region < 0) {
            dmi.set_start_address(address < start(1) ? end(0) : end(1));
            dmi.set_end_address(address < start(1) ? start(1) - 1 : ~0ull);
            return false;
        }
        payload.set_address(address - start(region));
        const bool granted = (region ? high : low)->get_direct_mem_ptr(payload, dmi);
        payload.set_address(address);
        dmi.set_start_address(dmi.get_start_address() + start(region));
        dmi.set_end_address(std::min<unsigned long long>(dmi.get_end_address(), end(region) - start(region) - 1) +
                            start(region));
        return granted;
    }
    void invalidate(int region, sc_dt::uint64 first, sc_dt::uint64 last) {
        const unsigned long long size = end(region) - start(region);
        for (unsigned i = 0; i < in.size(); i++)
            in[i]->invalidate_direct_mem_ptr(first + start(region),
                                             std::min<unsigned long long>(last, size - 1) + start(region));
    }
};

struct Memory : sc_module {
    tlm_utils::simple_target_socket<Memory> socket{"socket"};
    bool waits;
    unsigned char bytes[64] = {};
    SC_HAS_PROCESS(Memory);
    Memory(sc_module_name name, bool waits) : sc_module(name), waits(waits) {
        socket.register_b_transport(this, &Memory::b_transport);
        socket.register_transport_dbg(this, &Memory::transport_dbg);
        socket.register_get_direct_mem_ptr(this, &Memory::get_direct_mem_ptr);
    }
    void b_transport(Payload &payload, sc_time &delay) {
        note(name(), "address", payload.get_address());
        note(name(), "delay", delay);
        const sc_time busy = ns(payload.get_data_length());
        if (waits) {
            wait(delay + busy);
            delay = SC_ZERO_TIME;
        } else {
            delay += busy;
        }
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
    }
    unsigned transport_dbg(Payload &payload) { return payload.get_data_length(); }
    bool get_direct_mem_ptr(Payload &, Dmi &dmi) {
        dmi.set_dmi_ptr(bytes);
        dmi.set_start_address(16);
        dmi.set_end_address(waits ? 31 : 1000);
        dmi.allow_read_write();
        return !waits;
    }
};

struct Initiator : sc_module {
    tlm_utils::simple_initiator_socket<Initiator> socket{"socket"};
    std::vector<std::vector<int>> program; // at (ns), address, length, annotated (ns)
    SC_CTOR(Initiator) {
        socket.register_invalidate_direct_mem_ptr(this, &Initiator::invalidate);
        SC_THREAD(run);
    }
    void run() {
        unsigned char data[64];
        for (const auto &step : program) {
            if (ns(step[0]) > sc_time_stamp()) wait(ns(step[0]) - sc_time_stamp());
            Payload payload;
            set_up(payload, tlm::TLM_READ_COMMAND, step[1], data, step[2]);
            sc_time delay = ns(step[3]);
            note(name(), "send", step[1]);
            socket->b_transport(payload, delay);
            note(name(), payload.get_response_string(), payload.get_address());
            note(name(), "delay", delay);
        }
    }
    void invalidate(sc_dt::uint64 first, sc_dt::uint64 last) {
        note(name(), "invalidate", static_cast<unsigned long long>(first));
        note(name(), "to", static_cast<unsigned long long>(last));
    }
};

static void contend(Policy policy) {
    Bus bus("bus", policy);
    Memory low("low", false), high("high", true);
    Initiator a("a"), b("b"), c("c");
    for (Initiator *initiator : {&a, &b, &c})
        initiator->socket.bind(bus.in);
    bus.low.bind(low.socket);
    bus.high.bind(high.socket);
    c.program = {{10, 0x00, 4, 0}, {10, 0x08, 4, 0}, {10, 0x100, 8, 0}, {70, 0x10, 1, 5}, {90, 0x3e, 2, 0}};
    b.program = {{10, 0x04, 2, 0}, {10, 0x104, 4, 0}, {10, 0x04, 2, 3}, {75, 0x11, 1, 0}, {90, 0x3e, 4, 0}};
    a.program = {{12, 0x20, 8, 0}, {12, 0x24, 8, 0}, {12, 0x28, 8, 0}, {73, 0x12, 1, 2}, {90, 0x13c, 4, 7}};
    sc_start();
    note("main", "done");
}

int sc_main(int, char *[]) {
    scenario("age", [] { contend(AGE); });
    scenario("fixed", [] { contend(FIXED); });
    scenario("round robin", [] { contend(ROUND_ROBIN); });
    scenario("without time", [] {
        Bus bus("bus", AGE);
        Memory low("low", false), high("high", true);
        Initiator a("a"), b("b");
        a.socket.bind(bus.in);
        b.socket.bind(bus.in);
        bus.low.bind(low.socket);
        bus.high.bind(high.socket);
        sc_start(SC_ZERO_TIME);
        unsigned char data[16];
        for (unsigned address : {0x00u, 0x3cu, 0x40u, 0x138u, 0x200u}) {
            Payload payload;
            set_up(payload, tlm::TLM_READ_COMMAND, address, data, 8);
            note("main", "address", address);
            note("main", "transport_dbg", a.socket->transport_dbg(payload));
            Dmi dmi;
            note("main", "direct", b.socket->get_direct_mem_ptr(payload, dmi));
            note("main", "from", static_cast<unsigned long long>(dmi.get_start_address()));
            note("main", "to", static_cast<unsigned long long>(dmi.get_end_address()));
        }
        low.socket->invalidate_direct_mem_ptr(4, 7);
        high.socket->invalidate_direct_mem_ptr(16, 1000);
    });
    return 0;
}
