// Sockets: with tags, with many peers, through the modules around, without conversions; all six functions and both ways
// back.
#include "tlm_log.h"

struct Tagged : sc_module { // two sockets, one set of functions
    tlm_utils::simple_target_socket_tagged<Tagged> a{"a"}, b{"b"};
    unsigned char memory[16] = {};
    SC_CTOR(Tagged) {
        int tag = 5;
        for (auto *socket : {&a, &b}) {
            socket->register_b_transport(this, &Tagged::b_transport, tag);
            socket->register_nb_transport_fw(this, &Tagged::nb_transport_fw, tag);
            socket->register_transport_dbg(this, &Tagged::transport_dbg, tag);
            socket->register_get_direct_mem_ptr(this, &Tagged::get_direct_mem_ptr, tag);
            tag += 4;
        }
    }
    void b_transport(int tag, Payload &payload, sc_time &delay) {
        note("target", "b_transport", tag);
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
        delay += ns(tag);
    }
    Sync nb_transport_fw(int tag, Payload &payload, Phase &phase, sc_time &delay) {
        note("target", name_of(phase), tag);
        if (phase == tlm::END_RESP) return tlm::TLM_COMPLETED;
        Phase back = tlm::END_REQ;
        sc_time later = ns(1);
        auto &socket = tag == 5 ? a : b;
        const Sync sync = socket->nb_transport_bw(payload, back, later);
        note("target", "answer of the way back", name_of(sync));
        phase = tlm::BEGIN_RESP;
        delay += ns(tag);
        return tlm::TLM_UPDATED;
    }
    unsigned transport_dbg(int tag, Payload &payload) {
        note("target", "transport_dbg", tag);
        return payload.get_data_length() / 2;
    }
    bool get_direct_mem_ptr(int tag, Payload &, Dmi &dmi) {
        note("target", "get_direct_mem_ptr", tag);
        dmi.set_dmi_ptr(memory);
        dmi.set_start_address(0);
        dmi.set_end_address(15);
        dmi.allow_read();
        return tag == 9;
    }
};

struct TaggedInitiator : sc_module {
    tlm_utils::simple_initiator_socket_tagged<TaggedInitiator> a{"a"}, b{"b"};
    SC_CTOR(TaggedInitiator) {
        int tag = 1;
        for (auto *socket : {&a, &b}) {
            socket->register_nb_transport_bw(this, &TaggedInitiator::nb_transport_bw, tag);
            socket->register_invalidate_direct_mem_ptr(this, &TaggedInitiator::invalidate, tag);
            tag++;
        }
    }
    Sync nb_transport_bw(int tag, Payload &, Phase &phase, sc_time &delay) {
        note("initiator", name_of(phase), tag);
        note("initiator", "delay", delay);
        return tlm::TLM_ACCEPTED;
    }
    void invalidate(int tag, sc_dt::uint64 start, sc_dt::uint64 end) {
        note("initiator", "invalidate", tag);
        note("initiator", "region", static_cast<unsigned long long>(start * 1000 + end));
    }
};

template <class Socket> static void use(const char *who, Socket &socket, bool non_blocking = true) {
    unsigned char data[8] = {};
    Payload payload;
    set_up(payload, tlm::TLM_READ_COMMAND, 0, data, 8);
    sc_time delay = ns(2);
    socket->b_transport(payload, delay);
    note(who, "b_transport", delay);
    note(who, "ok", payload.is_response_ok());
    if (non_blocking) {
        Phase phase = tlm::BEGIN_REQ;
        delay = SC_ZERO_TIME;
        const Sync sync = socket->nb_transport_fw(payload, phase, delay);
        note(who, "nb_transport_fw", name_of(sync) + " " + name_of(phase));
        note(who, "delay", delay);
        phase = tlm::END_RESP;
        delay = SC_ZERO_TIME;
        note(who, "end", name_of(socket->nb_transport_fw(payload, phase, delay)));
    }
    note(who, "transport_dbg", socket->transport_dbg(payload));
    Dmi dmi;
    note(who, "get_direct_mem_ptr", socket->get_direct_mem_ptr(payload, dmi));
    note(who, "end address", static_cast<unsigned long long>(dmi.get_end_address()));
}

struct Many : sc_module { // many initiators at one socket
    tlm_utils::multi_passthrough_target_socket<Many> socket{"socket"};
    SC_CTOR(Many) {
        socket.register_b_transport(this, &Many::b_transport);
        socket.register_nb_transport_fw(this, &Many::nb_transport_fw);
        socket.register_transport_dbg(this, &Many::transport_dbg);
        socket.register_get_direct_mem_ptr(this, &Many::get_direct_mem_ptr);
    }
    void b_transport(int index, Payload &payload, sc_time &delay) {
        note("many", "b_transport", index);
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
        delay += ns(1 + index);
    }
    Sync nb_transport_fw(int index, Payload &payload, Phase &phase, sc_time &) {
        note("many", name_of(phase), index);
        if (phase == tlm::END_RESP) return tlm::TLM_COMPLETED;
        Phase back = tlm::END_REQ;
        sc_time later = ns(3);
        socket[index]->nb_transport_bw(payload, back, later);
        return tlm::TLM_ACCEPTED;
    }
    unsigned transport_dbg(int index, Payload &) { return 100 + index; }
    bool get_direct_mem_ptr(int, Payload &, Dmi &) { return false; }
};

struct Initiator : sc_module {
    tlm_utils::simple_initiator_socket<Initiator> socket{"socket"};
    SC_CTOR(Initiator) {
        socket.register_nb_transport_bw(this, &Initiator::nb_transport_bw);
        socket.register_invalidate_direct_mem_ptr(this, &Initiator::invalidate);
    }
    Sync nb_transport_bw(Payload &, Phase &phase, sc_time &delay) {
        note(name(), name_of(phase), delay);
        return tlm::TLM_ACCEPTED;
    }
    void invalidate(sc_dt::uint64 start, sc_dt::uint64 end) {
        note(name(), "invalidate", static_cast<unsigned long long>(start * 1000 + end));
    }
};

struct ManyTargets : sc_module { // one socket to many targets
    tlm_utils::multi_passthrough_initiator_socket<ManyTargets> socket{"socket"};
    SC_CTOR(ManyTargets) {
        socket.register_nb_transport_bw(this, &ManyTargets::nb_transport_bw);
        socket.register_invalidate_direct_mem_ptr(this, &ManyTargets::invalidate);
    }
    Sync nb_transport_bw(int index, Payload &, Phase &phase, sc_time &) {
        note("many targets", name_of(phase), index);
        return tlm::TLM_ACCEPTED;
    }
    void invalidate(int index, sc_dt::uint64, sc_dt::uint64) { note("many targets", "invalidate", index); }
};

struct Memory : sc_module {
    tlm_utils::simple_target_socket<Memory> socket{"socket"};
    SC_CTOR(Memory) { socket.register_b_transport(this, &Memory::b_transport); }
    void b_transport(Payload &payload, sc_time &delay) {
        note(name(), "b_transport", delay);
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
        delay += ns(1);
    }
};

struct InnerInitiator : sc_module { // an initiator below two modules that hand its socket on
    struct Shell : sc_module {
        tlm::tlm_initiator_socket<> out{"out"};
        Initiator initiator{"initiator"};
        SC_CTOR(Shell) { initiator.socket.bind(out); }
    };
    tlm::tlm_initiator_socket<> out{"out"};
    Shell shell{"shell"};
    SC_CTOR(InnerInitiator) { shell.out.bind(out); }
};
struct InnerTarget : sc_module {
    struct Shell : sc_module {
        tlm::tlm_target_socket<> in{"in"};
        Tagged target{"target"};
        TaggedInitiator other{"other"};
        SC_CTOR(Shell) {
            in.bind(target.a);
            other.a.bind(target.b);
        }
    };
    tlm::tlm_target_socket<> in{"in"};
    Shell shell{"shell"};
    Memory memory{"memory"};
    SC_CTOR(InnerTarget) {
        in.bind(shell.in);
        shell.other.b.bind(memory.socket);
    }
};

struct Plain : sc_module { // without conversions
    tlm_utils::passthrough_target_socket<Plain> socket{"socket"};
    SC_CTOR(Plain) { socket.register_b_transport(this, &Plain::b_transport); }
    void b_transport(Payload &payload, sc_time &delay) {
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
        delay += ns(7);
    }
};

int sc_main(int, char *[]) {
    scenario("tags", [] {
        TaggedInitiator initiator("initiator");
        Tagged target("target");
        initiator.a.bind(target.b);
        initiator.b.bind(target.a);
        sc_start(SC_ZERO_TIME);
        use("a", initiator.a);
        use("b", initiator.b);
        target.a->invalidate_direct_mem_ptr(1, 2);
        target.b->invalidate_direct_mem_ptr(3, 4);
    });
    scenario("many initiators", [] {
        Initiator x("x"), y("y");
        Many many("many");
        x.socket.bind(many.socket);
        y.socket.bind(many.socket);
        sc_start(SC_ZERO_TIME);
        note("main", "size", static_cast<unsigned>(many.socket.size()));
        use("y", y.socket);
        use("x", x.socket);
        many.socket[1]->invalidate_direct_mem_ptr(5, 6);
    });
    scenario("many targets", [] {
        ManyTargets initiator("initiator");
        Memory one("one");
        Tagged two("two");
        initiator.socket.bind(one.socket);
        initiator.socket.bind(two.a);
        initiator.socket.bind(two.b);
        sc_start(SC_ZERO_TIME);
        note("main", "size", static_cast<unsigned>(initiator.socket.size()));
        for (int index : {2, 0, 1}) {
            Payload payload;
            sc_time delay = ns(index);
            initiator.socket[index]->b_transport(payload, delay);
            note("main", "delay", delay);
        }
        Payload payload;
        Phase phase = tlm::BEGIN_REQ;
        sc_time delay;
        note("main", "nb_transport_fw", name_of(initiator.socket[1]->nb_transport_fw(payload, phase, delay)));
        two.a->invalidate_direct_mem_ptr(1, 2);
        two.b->invalidate_direct_mem_ptr(1, 2);
    });
    scenario("hierarchy", [] {
        InnerInitiator initiator("initiator");
        InnerTarget target("target");
        initiator.out.bind(target.in);
        sc_start(SC_ZERO_TIME);
        use("innermost", initiator.shell.initiator.socket);
        target.shell.target.a->invalidate_direct_mem_ptr(7, 8);
    });
    scenario("no conversions", [] {
        Initiator initiator("initiator");
        Plain plain("plain");
        initiator.socket.bind(plain.socket);
        sc_start(SC_ZERO_TIME);
        use("initiator", initiator.socket, false);
        Payload payload;
        Phase phase = tlm::BEGIN_REQ;
        sc_time delay;
        initiator.socket->nb_transport_fw(payload, phase, delay);
    });
    return 0;
}
