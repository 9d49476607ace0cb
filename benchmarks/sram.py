"""The speed of bank arbitration: jobs a second, and accesses a second, of clients that share a memory.

`python benchmarks/sram.py`, on one core of the machine. Through Python's calls, 1000 jobs at a time.
"""

import time

from cosim.models.sram.memory import MemoryConfig
from cosim.models.sram.state import NEVER, MemoryState

JOBS = 1000


def main() -> None:
    """Print one line per number of banks, clients and words of a job."""
    print(f"{'banks':>5} {'clients':>7} {'words':>7} {'k jobs/s':>9} {'M accesses/s':>13}")
    for banks in (1, 8, 32):
        for clients in (1, 4, 16):
            for words in (1, 64, 4096):
                times = []
                for _ in range(3):
                    state = MemoryState([MemoryConfig(2**20, banks)], clients, JOBS)
                    start = time.process_time()
                    for job in range(JOBS):
                        state.submit(job, job, 0, job % clients, job * 64 % 2**19, words)
                    state.advance(NEVER, room=JOBS)
                    times.append(time.process_time() - start)
                jobs = JOBS / min(times)
                print(f"{banks:>5} {clients:>7} {words:>7} {jobs / 1e3:>9.0f} {jobs * words / 1e6:>13.1f}")


if __name__ == "__main__":
    main()
