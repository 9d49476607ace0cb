// The designs of kernel.py in SystemC: prints nanoseconds per event. Arguments: design (a .. e), number of events.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <systemc>

using namespace sc_core;

static long events;

struct OneProcess : sc_module {
    SC_CTOR(OneProcess) { SC_THREAD(run); }
    void run() {
        for (long i = 0; i < events; i++) wait(1, SC_PS);
    }
};

struct ManyProcesses : sc_module {
    int next = 0;
    SC_CTOR(ManyProcesses) {
        for (int i = 0; i < 1000; i++) sc_spawn([this] { run(); });
    }
    void run() {
        const long offset = next++;
        for (long i = 0; i < events / 1000; i++) wait(1 + (offset * 7919 + i * 104729) % 100, SC_PS);
    }
};

struct Fifo : sc_module {
    sc_fifo<int> fifo{16};
    SC_CTOR(Fifo) {
        SC_THREAD(produce);
        SC_THREAD(consume);
    }
    void produce() {
        for (long i = 0; i < events; i++) fifo.write(static_cast<int>(i));
    }
    void consume() {
        for (long i = 0; i < events; i++) fifo.read();
    }
};

struct Ring : sc_module {
    sc_signal<int> signals[100];
    SC_CTOR(Ring) {
        for (int i = 0; i < 100; i++) {
            sc_spawn_options options;
            options.spawn_method();
            options.dont_initialize();
            options.set_sensitivity(&signals[i].value_changed_event());
            sc_spawn([this, i] { station(i); }, sc_gen_unique_name("station"), &options);
        }
        signals[0].write(1);
    }
    void station(int i) {
        const int value = signals[i].read();
        if (value < events) signals[(i + 1) % 100].write(value + 1);
    }
};

struct Pipeline : sc_module {
    sc_event tick;
    sc_signal<int> registers[11];
    SC_CTOR(Pipeline) {
        SC_THREAD(clock);
        for (int i = 0; i < 10; i++) {
            sc_spawn_options options;
            options.spawn_method();
            options.dont_initialize();
            options.set_sensitivity(&tick);
            sc_spawn([this, i] { registers[i + 1].write(registers[i].read() + 1); }, sc_gen_unique_name("stage"),
                     &options);
        }
    }
    void clock() {
        for (long i = 0; i < events / 10; i++) {
            wait(10, SC_PS);
            tick.notify(SC_ZERO_TIME);
        }
    }
};

int sc_main(int argc, char **argv) {
    if (argc != 3) return 2;
    events = std::atol(argv[2]);
    switch (argv[1][0]) {
        case 'a': new OneProcess("top"); break;
        case 'b': new ManyProcesses("top"); break;
        case 'c': new Fifo("top"); break;
        case 'd': new Ring("top"); break;
        case 'e': new Pipeline("top"); break;
        default: return 2;
    }
    const std::clock_t start = std::clock();  // processor time, as for the others
    sc_start();
    std::printf("%.1f\n", 1e9 * double(std::clock() - start) / CLOCKS_PER_SEC / double(events));
    return 0;
}
