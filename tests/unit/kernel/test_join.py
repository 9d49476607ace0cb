"""Fork and join."""

from cosim.kernel import Join, Module, Simulator, fork


def design():
    env = Simulator()
    return env, Module(env, "top"), []


def test_a_join_waits_for_the_last_one_and_not_at_all_when_all_have_ended():
    env, top, log = design()

    def slow():
        yield 7

    def quick():
        yield 3

    def main():
        join = fork(top, slow, quick)
        assert len(join) == 2
        yield from join.wait()
        log.append((env.now, len(join)))
        yield from join.wait()
        yield from Join().wait()
        log.append(env.now)

    top.thread(main)
    env.run()
    assert log == [(7, 0), 7]


def test_what_has_ended_before_is_not_waited_for():
    env, top, log = design()

    def quick():
        yield 1

    def main():
        done = top.thread(quick, "done")
        yield 2
        join = Join([done, done])
        assert len(join) == 0
        running = top.thread(quick, "running")
        join.add(running)
        join.add(running)
        assert len(join) == 1
        yield from join.wait()
        log.append(env.now)

    top.thread(main)
    env.run()
    assert log == [3]


def test_forked_threads_run_in_the_same_evaluation_phase_below_their_parent():
    env, top, log = design()

    def part():
        log.append((env.delta_count, env.current_process.full_name))
        yield 1

    async def main():
        await fork(top, part, part, lambda: log.append(env.current_process.name)).wait()
        log.append(env.now)

    top.thread(main)
    env.run()
    assert log == [(0, "top.part"), (0, "top.part_0"), "fork", 1]
