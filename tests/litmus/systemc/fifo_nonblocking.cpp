// The fifo without waiting: what can be read and written when; several reads and writes in one phase; ports; too many
// ports.
#include "log.h"

struct Reader : sc_module {
    sc_fifo_in<int> in{"in"};
    SC_CTOR(Reader) {}
};
struct Writer : sc_module {
    sc_fifo_out<int> out{"out"};
    SC_CTOR(Writer) {}
};

struct Top : sc_module {
    sc_fifo<int> fifo{"fifo", 3};
    Reader reader{"reader"};
    Writer writer{"writer"};
    SC_CTOR(Top) {
        reader.in(fifo);
        writer.out(fifo);
        SC_THREAD(both);
        SC_METHOD(on_written);
        sensitive << fifo.data_written_event();
        dont_initialize();
        SC_METHOD(on_read);
        sensitive << fifo.data_read_event();
        dont_initialize();
    }
    void on_written() { note("on_written", "available", fifo.num_available()); }
    void on_read() { note("on_read", "free", fifo.num_free()); }
    void counts(const char *what) { note("both", what, fifo.num_available() * 10 + fifo.num_free()); }
    void put(int item) { note("both", writer.out.nb_write(item) ? "written" : "full", item); }
    void get() {
        int item = 0;
        const bool got = reader.in.nb_read(item);
        note("both", got ? "read" : "empty", item);
    }
    void both() {
        counts("at first");
        get();
        put(1);
        put(2);
        counts("two written");
        get();
        wait(SC_ZERO_TIME);
        counts("a delta cycle later");
        put(3);
        put(4);
        get();
        counts("one more written, one read");
        put(4);
        wait(SC_ZERO_TIME);
        counts("a delta cycle later");
        put(4);
        put(5);
        get();
        get();
        get();
        counts("all read");
        wait(SC_ZERO_TIME);
        counts("a delta cycle later");
        get();
        wait(SC_ZERO_TIME);
        counts("all quiet");
        wait(ns(1));
        note("both", "blocking write");
        fifo.write(6);
        note("both", "blocking read", fifo.read());
        counts("at the end");
    }
};

struct TwoReaders : sc_module {
    sc_fifo<int> fifo{"fifo"};
    Reader a{"a"}, b{"b"};
    SC_CTOR(TwoReaders) {
        a.in(fifo);
        b.in(fifo);
    }
};
struct TwoWriters : sc_module {
    sc_fifo<int> fifo{"fifo"};
    Writer a{"a"}, b{"b"};
    SC_CTOR(TwoWriters) {
        a.out(fifo);
        b.out(fifo);
    }
};

int sc_main(int, char *[]) {
    scenario("one reader, one writer", [] {
        Top top("top");
        sc_start();
        note("main", "done");
    });
    scenario("default capacity", [] {
        sc_fifo<int> fifo("fifo");
        note("main", "free", fifo.num_free());
    });
    scenario("two readers", [] {
        TwoReaders top("top");
        sc_start();
    });
    scenario("two writers", [] {
        TwoWriters top("top");
        sc_start();
    });
    return 0;
}
