// Static and dynamic sensitivity through ports: edges, ports of ports, exports, ports of many channels, fifos; buffers;
// initial values written through ports.
#include "log.h"

struct Leaf : sc_module {
    sc_in<bool> bit{"bit"};
    sc_in<sc_logic> logic{"logic"};
    sc_in<int> number{"number"};
    sc_port<sc_signal_in_if<int>, 0> many{"many"};
    sc_port<sc_signal_in_if<int>, 2, SC_ZERO_OR_MORE_BOUND> none{"none"};
    sc_fifo_in<int> items{"items"};
    sc_out<int> out{"out"};
    SC_CTOR(Leaf) {
        SC_METHOD(rising);
        sensitive << bit.pos();
        dont_initialize();
        SC_METHOD(falling);
        sensitive << bit.neg();
        dont_initialize();
        SC_METHOD(changed);
        sensitive << bit;
        SC_METHOD(logic_rising);
        sensitive << logic.pos();
        dont_initialize();
        SC_METHOD(logic_falling);
        sensitive << logic.neg();
        dont_initialize();
        SC_METHOD(any_of_many);
        sensitive << many << none;
        dont_initialize();
        SC_METHOD(item_written);
        sensitive << items.data_written();
        dont_initialize();
        SC_THREAD(thread);
        sensitive << number;
        out.initialize(5);
    }
    void rising() { note("rising", "bit", bit.read()); }
    void falling() { note("falling", "bit", bit.read()); }
    void changed() {
        note("changed", "bit", std::string(bit.posedge() ? "pos" : bit.negedge() ? "neg" : bit.event() ? "?" : "no"));
    }
    void logic_rising() { note("logic_rising", "value", std::string(1, logic.read().to_char())); }
    void logic_falling() { note("logic_falling", "value", std::string(1, logic.read().to_char())); }
    void any_of_many() {
        int sum = 0;
        for (int i = 0; i < many.size(); i++)
            sum += many[i]->read();
        note("any_of_many", "sum", sum);
    }
    void item_written() { note("item_written", "available", items.num_available()); }
    void thread() {
        note("thread", "ports bound", many.size() * 10 + none.size());
        note("thread", "out", out.read());
        out.write(6);
        wait();
        note("thread", "number", number.read());
        wait(bit.posedge_event() | many[1]->value_changed_event());
        note("thread", "dynamic", bit.posedge());
        wait(bit.negedge_event() & many[2]->value_changed_event());
        note("thread", "both", many[2]->read());
        wait(ns(3), number.value_changed_event());
        note("thread", "timed out", timed_out());
        wait();
        note("thread", "static again", number.read());
    }
};

struct Middle : sc_module {
    sc_in<bool> bit{"bit"};
    sc_export<sc_signal_inout_if<int>> offered{"offered"};
    sc_signal<int> own{"own"};
    Leaf leaf{"leaf"};
    SC_CTOR(Middle) {
        leaf.bit(bit);
        offered(own);
        leaf.number(own);
    }
};

struct Top : sc_module {
    sc_signal<bool> bit{"bit"};
    sc_signal<sc_logic, SC_MANY_WRITERS> logic{"logic"};
    sc_signal<int> m0{"m0"}, m1{"m1"}, m2{"m2"}, out{"out"};
    sc_fifo<int> items{"items", 4};
    sc_buffer<int> buffer{"buffer"};
    sc_port<sc_signal_inout_if<int>> to_offered{"to_offered"};
    Middle middle{"middle"};
    int buffer_runs = 0;
    SC_CTOR(Top) {
        middle.bit(bit);
        middle.leaf.logic(logic);
        middle.leaf.many(m0);
        middle.leaf.many(m1);
        middle.leaf.many(m2);
        middle.leaf.items(items);
        middle.leaf.out(out);
        to_offered(middle.offered);
        SC_METHOD(on_buffer);
        sensitive << buffer;
        dont_initialize();
        SC_METHOD(on_out);
        sensitive << out;
        SC_THREAD(drive);
    }
    void on_buffer() {
        note("on_buffer", "value", buffer.read());
        note("on_buffer", "event", buffer.event());
    }
    void on_out() { note("on_out", "value", out.read()); }
    void drive() {
        wait(ns(10));
        bit = true;
        logic = sc_dt::SC_LOGIC_1;
        wait(ns(10));
        to_offered->write(3);
        wait(ns(10));
        m1 = 20;
        wait(ns(10));
        bit = false;
        logic = sc_dt::SC_LOGIC_Z;
        m0 = 1;
        m1 = 21;
        wait(ns(10));
        m2 = 300;
        logic = sc_dt::SC_LOGIC_0;
        wait(ns(10));
        items.write(1);
        items.write(2);
        to_offered->write(4);
        wait(ns(10));
        buffer = 7;
        wait(ns(1));
        buffer = 7;
        wait(ns(1));
        buffer = 8;
        buffer = 7;
        wait(SC_ZERO_TIME);
        note("drive", "buffer event one delta cycle later", buffer.event());
        wait(SC_ZERO_TIME);
        note("drive", "buffer event two delta cycles later", buffer.event());
        wait(ns(1));
        note("drive", "end");
    }
};

int sc_main(int, char *[]) {
    sc_report_handler::set_handler(report_line);
    Top top("top");
    sc_start();
    note("main", "done");
    return 0;
}
