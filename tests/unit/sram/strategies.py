"""Random memories and jobs that meet at banks."""

from hypothesis import strategies as st

from cosim.models.sram.memory import MemoryConfig
from cosim.models.sram.state import MemoryState


@st.composite
def cases(draw, max_clients=4):
    """Memories, a number of clients, and jobs (clk, memory, client, first_word, words) in order of submission."""
    memories = []
    for _ in range(draw(st.integers(1, 2))):
        # The engine treats banks in groups of 16.
        banks = draw(st.one_of(st.integers(1, 5), st.sampled_from([16, 17, 33])))
        interleave = draw(st.sampled_from([1, 1, 3]))
        memories.append(
            MemoryConfig(60 * banks * interleave, banks, ports=draw(st.integers(1, 4)), interleave=interleave)
        )
    clients = draw(st.integers(1, max_clients))
    span = draw(st.sampled_from([0, 6, 40]))
    jobs = []
    for _ in range(draw(st.integers(1, 14))):
        memory = draw(st.integers(0, len(memories) - 1))
        first = draw(st.integers(0, 30))
        job = (draw(st.integers(0, span)), memory, draw(st.integers(0, clients - 1)), first, draw(st.integers(1, 25)))
        jobs.append(job)
    return memories, clients, jobs


def submitted(memories, clients, jobs):
    """Memories with all jobs handed over."""
    state = MemoryState(memories, clients, len(jobs))
    for tag, (clk, memory, client, first, words) in enumerate(jobs):
        state.submit(clk, tag, memory, client, first, words)
    return state
