"""The network's speed: flit-hops a second (a flit crossing a link between two routers) in batch replays.

`python benchmarks/noc.py`, on one core of the machine. Processor time, so that neighbours on the machine count less.

Beside it BookSim 2.0 at the same point, where its recorded curves have it: flit-hops of the whole run, warm-up
included, by the wall, on another machine (November 2026).
"""

import time
from typing import Any

from cosim.models.noc.mesh import MeshConfig
from cosim.models.noc.replay import replay
from cosim.models.noc.traffic import bernoulli

# (side, flits a packet, virtual channels, load in flits per node and clock)
CASES = ((8, 4, 2, 0.25), (8, 4, 2, 0.05), (8, 4, 2, 0.35), (8, 1, 4, 0.25), (4, 4, 2, 0.4), (16, 4, 2, 0.1))
#: The first case under router options. All of these but speculation take the general path of the engine.
OPTIONS: tuple[dict[str, Any], ...] = (
    {"speculative": True},
    {"input_speedup": 2},
    {"vc_allocator": "separable_input_first", "sw_allocator": "separable_input_first"},
    {"hold_switch_for_packet": True},
)
CLOCKS = 20_000
#: M flit-hops per second of BookSim 2.0: accepted x nodes x clocks x (routers - 1) / seconds of the recorded point.
RECORDED = {(8, 4, 2, 0.25): 0.13, (8, 4, 2, 0.35): 0.29, (8, 1, 4, 0.25): 0.09}


def main() -> None:
    """Print one line per network and load."""
    print(f"{'mesh':>6} {'flits':>5} {'VCs':>4} {'load':>5} {'M flit-hops/s':>14} {'k clocks/s':>11} {'BookSim':>8}")
    plain: dict[str, Any] = {}
    for (side, flits, vcs, load), options in [(case, plain) for case in CASES] + [(CASES[0], each) for each in OPTIONS]:
        mesh = MeshConfig(side, side, vcs=vcs, **options)
        packets = bernoulli(mesh, "uniform", load, flits, CLOCKS, seed=1)
        times = []
        for _ in range(3):
            start = time.process_time()
            run = replay(mesh, packets)
            times.append(time.process_time() - start)
        rate = run.counts.mesh_hops / min(times) / 1e6
        clocks = run.counts.clocks / min(times) / 1e3
        recorded = "" if options else RECORDED.get((side, flits, vcs, load), "")
        row = f"{side:>3}x{side:<2} {flits:>5} {vcs:>4} {load:>5.2f} {rate:>14.1f} {clocks:>11.0f} {recorded:>8}"
        print(f"{row}  {', '.join(options)}".rstrip())


if __name__ == "__main__":
    main()
