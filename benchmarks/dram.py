"""The DRAM engine's speed: requests replayed per second of processor time in C, without and with the commands told.

`python benchmarks/dram.py`, on one core of the machine. seq_rd is one ascending stream, rand_rd distinct random
bursts in 512 MiB, offered one per clock while there is room.

Beside it what the simulators that each scheduler follows took for such traces of 20 000 requests, by the wall, on
another machine: recorded with commands that the tests compare (Ramulator 2.1, DRAMsim3, Ramulator 1.0; November 2026).
"""

import time

import numpy as np

from cosim.models.dram import Controller, preset

REQUESTS = 200_000
CASES = (
    ("ddr4_2400", "fr-fcfs"),
    ("ddr4_2400", "bank-round-robin"),
    ("lpddr4_3200", "fr-fcfs-ramulator1"),
)
#: Requests per second of the reference simulators, by case and trace.
RECORDED = {
    ("ddr4_2400", "fr-fcfs", "seq_rd"): 337_268,
    ("ddr4_2400", "fr-fcfs", "rand_rd"): 168_209,
    ("ddr4_2400", "bank-round-robin", "seq_rd"): 279_720,
    ("ddr4_2400", "bank-round-robin", "rand_rd"): 117_509,
    ("lpddr4_3200", "fr-fcfs-ramulator1", "seq_rd"): 149_701,
    ("lpddr4_3200", "fr-fcfs-ramulator1", "rand_rd"): 60_150,
}


def traces() -> dict[str, np.ndarray]:
    """Byte addresses by name."""
    lines = np.random.default_rng(1).permutation(1 << 23)[:REQUESTS]
    return {
        "seq_rd": np.arange(REQUESTS, dtype=np.uint64) * np.uint64(64),
        "rand_rd": lines.astype(np.uint64) * np.uint64(64),
    }


def requests_per_second(name: str, scheduler: str, addresses: np.ndarray, observe: bool, repeats: int = 3) -> float:
    """The fastest of some replays."""
    is_write = np.zeros(len(addresses), dtype=np.uint8)
    times = []
    for _ in range(repeats):
        controller = Controller(preset(name), "m1", scheduler)
        start = time.process_time()
        controller.replay(addresses, is_write, observe=observe)
        times.append(time.process_time() - start)
    return len(addresses) / min(times)


def main() -> None:
    """Print one line per preset, scheduler and trace."""
    for name, scheduler in CASES:
        for trace, addresses in traces().items():
            plain, told = (requests_per_second(name, scheduler, addresses, observe) for observe in (False, True))
            print(
                f"{name:12} {scheduler:19} {trace:8} {plain / 1e6:6.2f} M requests/s, "
                f"{told / 1e6:6.2f} with every command told; recorded simulator "
                f"{RECORDED[name, scheduler, trace] / 1e6:5.2f}"
            )


if __name__ == "__main__":
    main()
