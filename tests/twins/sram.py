"""The slow, obvious twin of csrc/sram*.c: every bank, every clock, one access at a time."""

from __future__ import annotations

from collections import deque


def run(jobs, memories, clients):
    """Run `jobs`, [(clk, memory, client, first_word, words)] in order of submission, to the end.

    `memories` is [(banks, ports, interleave)]. Returns the clock at which each job is done, and per clock
    the counts so far: [{(memory, bank, client): accesses}], [{(memory, bank, client): waiting clocks}].
    """
    queues = [[[deque() for _ in range(clients)] for _ in range(banks)] for banks, _, _ in memories]
    turns = [[0] * banks for banks, _, _ in memories]
    left = [words for *_, words in jobs]
    done = [-1] * len(jobs)
    accesses, waiting = {}, {}
    history = []
    clk = -1
    while any(left):
        clk += 1
        for memory, (banks, ports, _) in enumerate(memories):
            for bank in range(banks):
                lanes = queues[memory][bank]
                pending = {client for client in range(clients) if lanes[client]}
                granted = set()
                for _ in range(ports):
                    turn = turns[memory][bank]
                    client = next((c % clients for c in range(turn, turn + clients) if lanes[c % clients]), None)
                    if client is None:
                        break
                    job = lanes[client].popleft()
                    granted.add(client)
                    turns[memory][bank] = (client + 1) % clients
                    accesses[memory, bank, client] = accesses.get((memory, bank, client), 0) + 1
                    left[job] -= 1
                    if left[job] == 0:
                        done[job] = clk
                for client in pending - granted:
                    waiting[memory, bank, client] = waiting.get((memory, bank, client), 0) + 1
        # Arrivals of this clock are granted from the next one on.
        for job, (submitted, memory, client, first_word, words) in enumerate(jobs):
            if submitted == clk:
                banks, _, interleave = memories[memory]
                for word in range(first_word, first_word + words):
                    queues[memory][word // interleave % banks][client].append(job)
        history.append((dict(accesses), dict(waiting)))
    return done, history
