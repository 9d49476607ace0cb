"""Ctrl-C is held back around the work, and let through in it."""

import contextlib
import os
import signal
import threading

import pytest

from cosim.scenario.interrupts import HeldInterrupts

pytestmark = pytest.mark.usefixtures("interruptible")


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def test_held_before_the_work_and_raised_where_it_begins():
    log = []
    with pytest.raises(KeyboardInterrupt), HeldInterrupts() as held:
        ctrl_c()
        log.append("prepared")
        try:
            with held.let_through():
                log.append("worked")
        finally:
            ctrl_c()
            log.append("cleaned up")
    assert log == ["prepared", "cleaned up"]


def test_let_through_in_the_work_and_held_again_behind_it():
    log = []
    with pytest.raises(KeyboardInterrupt), HeldInterrupts() as held:
        try:
            with held.let_through():
                ctrl_c()
                log.append("worked")
        finally:
            ctrl_c()
            log.append("cleaned up")
    assert log == ["cleaned up"]


def lost_ctrl_c():
    """As when it comes in the import of an extension module, or in a weak reference's callback."""
    with contextlib.suppress(KeyboardInterrupt):
        ctrl_c()


def test_one_that_got_lost_is_raised_by_the_next_check():
    log = []
    with pytest.raises(KeyboardInterrupt), HeldInterrupts() as held, held.let_through():
        held.check()
        lost_ctrl_c()
        log.append("worked on")
        held.check()
        log.append("and on")
    assert log == ["worked on"]


def test_one_that_got_lost_is_raised_where_the_work_ends():
    log = []
    with pytest.raises(KeyboardInterrupt), HeldInterrupts() as held:
        with held.let_through():
            lost_ctrl_c()
            log.append("worked")
        log.append("committed")
    assert log == ["worked"]


def test_a_deferred_one_is_not_raised_by_a_check():
    with HeldInterrupts() as held:
        with held.let_through():
            held.defer()
            ctrl_c()
            held.check()
            assert held.pending
        held.drop()


def test_what_is_held_at_the_end_is_raised_there_unless_dropped():
    with pytest.raises(KeyboardInterrupt), HeldInterrupts():
        ctrl_c()
    with HeldInterrupts() as held:
        ctrl_c()
        held.drop()


def test_another_error_is_not_replaced():
    with pytest.raises(ZeroDivisionError), HeldInterrupts():
        ctrl_c()
        raise ZeroDivisionError


def test_the_handler_is_as_before_and_one_of_the_program_is_respected():
    with HeldInterrupts():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    try:
        with HeldInterrupts():
            ctrl_c()
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [1]


def test_other_threads_are_left_alone():
    errors = []

    def work():
        try:
            with HeldInterrupts() as held, held.let_through():
                pass
        except ValueError as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert errors == []


def test_deferred_it_is_noted_once_and_raised_the_second_time():
    log = []
    held = HeldInterrupts(lambda: log.append("stopping"))
    with pytest.raises(KeyboardInterrupt), held, held.let_through():
        held.defer()
        assert not held.pending
        ctrl_c()
        assert held.pending
        log.append("worked")
        ctrl_c()
        log.append("never")
    assert log == ["stopping", "worked"]


def test_sigterm_is_as_ctrl_c():
    with pytest.raises(KeyboardInterrupt), HeldInterrupts() as held, held.let_through():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
