"""Runs commands of `cosim`, each in a child of this process: exit code, messages, and the peak of its memory.

python alone.py < cases.json > results.json      {name: {"cwd": ..., "argv": [...]}}
"""

import json
import os
import resource
import sys
import tempfile
import traceback

import cosim.models.chip.training
from cosim.cli.app import app
from cosim.registry import registry

ADDRESS_SPACE = 4 << 30  # so that a failure is one of the test, not of the machine


def child(case, out, err):
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    os.chdir(case["cwd"])
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    code = 99
    try:
        app(case["argv"])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 98
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run(case):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if not pid:
            child(case, out, err)
        _, status, usage = os.wait4(pid, 0)
        err.seek(0)
        # Of the child alone: it begins with what this process has.
        return {
            "code": os.waitstatus_to_exitcode(status),
            "stderr": err.read().decode(),
            "peak_mib": usage.ru_maxrss >> 10,
            "seconds": usage.ru_utime + usage.ru_stime,
        }


if __name__ == "__main__":
    assert cosim.models.chip.training and registry()  # imported once, for all children
    cases = json.load(sys.stdin)
    json.dump({name: run(case) for name, case in cases.items()}, sys.stdout)
