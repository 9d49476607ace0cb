"""Times from quantities, rounded half up to the resolution, and written with units.

Two things of the SystemC design do not exist here, and are left out of both logs: times are Python's integers and do
not wrap around at 64 bits, and the resolution is an argument of the simulator, so it cannot be set too late or twice.
"""

from litmus.harness import NS

from cosim.kernel import Module, TimeResolution

WITHOUT = {"max", "3-10 wraps", "-1 ns"}
WITHOUT_CASES = {"resolution set after a time was made", "resolution set twice"}


def run(log):
    def times(resolution, *rows):
        for text, units in rows:
            log.plain("value", text, units)
            log.plain("string", text, resolution.text(units))

    def quantities(resolution, *texts):
        times(resolution, *((text, resolution.units(float(text.split()[0]), text.split()[1])) for text in texts))

    with log.case("1 ps resolution") as simulator:
        ps = simulator.resolution
        quantities(
            ps, "1 ns", "1.5 ns", "0.4 ps", "0.5 ps", "1.5 ps", "2.5 ps", "0.49999 ps", "1234567 ps", "1 fs", "999 fs",
            "1 s", "3 ms",
        )  # fmt: skip
        times(ps, ("zero", 0))
        quantities(ps, "10 ns", "10500 ps", "1000 ns")
        a, b = ps.units(10, "ns"), ps.units(3, "ns")
        times(ps, ("from_value 42", 42), ("10+3", a + b), ("10-3", a - b))
        times(ps, ("10*2.5", ps.units(10 * 2.5, "ns")), ("0.3333*10", ps.units(0.3333 * 10, "ns")))
        times(ps, ("10/3", ps.units(10 / 3, "ns")))
        log.plain("ratio", "10/3", a / b)
        times(ps, ("10%3", a % b), ("1ps*0.5", ps.units(0.5, "ps")), ("3ps/2", ps.units(1.5, "ps")))
        log.plain("double", "10ns.to_double", float(a))
        log.plain("double", "10ns.to_seconds", float(ps.seconds(a)))
        log.plain("double", "to_default_time_units", a / NS)
        log.plain("cmp", "10ns == 10000ps", a == ps.units(10000, "ps"))
        log.plain("cmp", "3<10", b < a)
        times(ps, ("parse 1.5 us", ps.parse("1.5 us")), ("from_seconds 2e-9", ps.units(2e-9, "s")))
    with log.case("resolution 1 ns", resolution="1 ns") as simulator:
        resolution = simulator.resolution
        quantities(resolution, "1.4 ns", "1.5 ns", "2.5 ns", "400 ps", "500 ps", "1 us")
        times(resolution, ("resolution", 1))
    with log.case("resolution 1 fs", resolution="1 fs") as simulator:
        quantities(simulator.resolution, "1 ps", "1 s")
    with log.case("resolution 100 ps", resolution="100 ps") as simulator:
        quantities(simulator.resolution, "1 ns", "149 ps", "150 ps")
    with log.case("resolution not a power of ten"):
        TimeResolution("2 ps")
    with log.case("resolution negative"):
        TimeResolution("-1 ps")
    with log.case("waits are rounded to the resolution", resolution="1 ns") as simulator:
        log.unit = 1000
        units = simulator.resolution.units

        def t():
            yield units(1.4, "ns")
            log("t", "1.4 ns")
            yield units(1.5, "ns")
            log("t", "1.5 ns")
            yield units(0.4, "ns")
            log("t", "0.4 ns is a delta wait")

        Module(simulator, "m").thread(t)
        simulator.start()
        log("main", "done")
