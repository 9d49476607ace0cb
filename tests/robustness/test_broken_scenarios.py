"""Everything a user can get wrong in a scenario, and the exact lines that say so."""
# ruff: noqa: E501  (an expected line is one line)

import pytest
from robustness.demo_kind import register
from robustness.plugin import SCENARIO, write_files

from cosim.registry import Registry
from cosim.scenario import ScenarioError, load_scenario
from cosim.scenario.files import MAX_LOADS

DEEP = "x: " + "[" * 60 + "]" * 60 + "\n"
LARGE = "#" * (1 << 20) + "\n"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{after}: &{after} [{','.join([f'*{before}'] * 10)}]\n" for before, after in zip("abcdefg", "bcdefgh", strict=True)
)

SWEEP = SCENARIO + "sweep:\n"

# name: (overrides, files beside and instead of those of plugin.py, expected lines)
BROKEN = {
    "empty file": ([], {"demo.yaml": ""}, ["demo.yaml:1:1: the file is empty"]),
    "only a comment": ([], {"demo.yaml": "# x\n"}, ["demo.yaml:1:1: the file is empty"]),
    "a list": ([], {"demo.yaml": "- a\n"}, ["demo.yaml:1:1: a scenario file is a mapping of keys to values"]),
    "no version": (
        [],
        {"demo.yaml": "kind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\n"},
        ["demo.yaml:1:1: schema_version: required, but missing"],
    ),
    "version of the future": (
        [],
        {
            "demo.yaml": "schema_version: 2\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\n"
        },
        ["demo.yaml:1:17: schema_version: version 2 is newer than this program reads (1); upgrade cosim"],
    ),
    "version as text": (
        [],
        {
            "demo.yaml": "schema_version: '1'\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\n"
        },
        ["demo.yaml:1:17: schema_version: expected 1, got the text '1'"],
    ),
    "unknown kind": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: dmo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\n"
        },
        ["demo.yaml:2:7: kind: unknown scenario kind 'dmo'; did you mean 'demo'?"],
    ),
    "default kind not registered": (
        [],
        {
            "demo.yaml": "schema_version: 1\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\n"
        },
        ["demo.yaml:1:1: kind: unknown scenario kind 'training'; known: demo"],
    ),
    "kind is a number": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: 7\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\n"
        },
        ["demo.yaml:2:7: kind: unknown scenario kind '7'; known: demo"],
    ),
    "unknown key": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nstesp: 5\n"
        },
        ["demo.yaml:7:1: stesp: unknown key; did you mean 'steps'?"],
    ),
    "unknown key in a registered component": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  tarqet: 90 %\nsteps: 5\n"
        },
        [
            "demo.yaml:5:3: schedule.target: required, but missing",
            "demo.yaml:6:3: schedule.tarqet: unknown key; did you mean 'target'?",
        ],
    ),
    "unknown key in an included file": (
        [],
        {"chips/fast.yaml": "extends: base.yaml\nname: fast\ncore:\n  lanse: 3\n"},
        ["chips/fast.yaml:4:3: chip.core.lanse: unknown key; did you mean 'lanes'?"],
    ),
    "unknown key like no other": (
        [],
        {"chips/fast.yaml": "extends: base.yaml\nqqq: 3\n"},
        ["chips/fast.yaml:2:1: chip.qqq: unknown key; known: clock, core, mac, name, supply"],
    ),
    "bare numbers": (
        [],
        {"chips/base.yaml": "name: base\nclock: 50\nsupply: 0.78\ncore: {lanes: 8, buffer: 65536}\n"},
        [
            "chips/base.yaml:3:9: chip.supply: expected a voltage with its unit, like '0.78 V'; 0.78 has none (units: uV, mV, V)",
            "chips/base.yaml:4:26: chip.core.buffer: expected a size with its unit, like '64 KiB'; 65536 has none (units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)",
        ],
    ),
    "unknown units": (
        [],
        {
            "chips/base.yaml": "name: base\nclock: 50 MHZ\nsupply: 0.78 Volt\ncore: {lanes: 8, buffer: 64 ns}\nmac: 0.0001 pJ\n"
        },
        [
            "chips/base.yaml:3:9: chip.supply: unknown unit 'Volt' for a voltage; known: V, mV, uV",
            "chips/base.yaml:4:26: chip.core.buffer: unknown unit 'ns' for a size; known: B, GB, GiB, KiB, MB, MiB, TB, TiB, kB",
            "chips/base.yaml:5:6: chip.mac: 0.0001 pJ is not a whole number of fJ",
        ],
    ),
    "wrong types": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: five\nverify: yes\nname: 7\nseed: 1.5\nbaselines: chips/base.yaml\nmode: functionl\nstep_time: [1]\n"
        },
        [
            "demo.yaml:7:8: steps: expected a whole number, got the text 'five'",
            "demo.yaml:8:9: verify: expected true or false, got the text 'yes'; YAML 1.2 has only true and false",
            "demo.yaml:9:7: name: expected text, got 7",
            "demo.yaml:10:7: seed: expected a whole number, got 1.5",
            "demo.yaml:11:12: baselines: expected a list, got the text 'chips/base.yaml'",
            "demo.yaml:12:7: mode: unknown name 'functionl'; did you mean 'functional'?",
            "demo.yaml:13:12: step_time: expected a time like '14 ns', got a list",
        ],
    ),
    "out of limits": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 120 %\nsteps: 0\nseed: -1\n"
        },
        [
            "demo.yaml:6:11: schedule.target: 120 % is not between 0 and 1 (100 %)",
            "demo.yaml:7:8: steps: must be at least 1, got 0",
            "demo.yaml:8:7: seed: must be at least 0, got -1",
        ],
    ),
    "duplicate key": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\nsteps: 6\n"
        },
        ["demo.yaml:8:1: steps: duplicate key; first in line 7"],
    ),
    "list not closed": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\nbaselines: [\n"
        },
        ["demo.yaml:9:1: not YAML: expected the node content, but found '<stream end>' (while parsing a flow node)"],
    ),
    "wrong indentation": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n   target: 90 %\nsteps: 5\n"
        },
        ["demo.yaml:6:10: not YAML: mapping values are not allowed here"],
    ),
    "tabulator": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n\ttarget: 90 %\nsteps: 5\n"
        },
        [
            "demo.yaml:6:1: not YAML: found character '\\t' that cannot start any token (while scanning for the next token)"
        ],
    ),
    "quote not closed": (
        [],
        {
            "demo.yaml": 'schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\nname: "open\n'
        },
        ["demo.yaml:9:1: not YAML: found unexpected end of stream (while scanning a quoted scalar)"],
    ),
    "two documents": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\n---\na: 1\n"
        },
        ["demo.yaml:8:1: not YAML: but found another document (expected a single document in the stream)"],
    ),
    "tag that would run code": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: !!python/object/apply:os.system ['echo']\n"
        },
        ["demo.yaml:7:8: steps: tags like '!!python/object/apply:os.system' are not allowed"],
    ),
    "merge key": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\n<<: {a: 1}\n"
        },
        ["demo.yaml:8:1: '<<' is not YAML 1.2; use 'extends: FILE' or an alias"],
    ),
    "YAML 1.1": (
        [],
        {
            "demo.yaml": "%YAML 1.1\n---\nschema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\n"
        },
        ["demo.yaml:1:1: scenario files are YAML 1.2; drop '%YAML'"],
    ),
    "undefined alias": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: *five\n"
        },
        ["demo.yaml:7:8: not YAML: found undefined alias 'five'"],
    ),
    "alias to itself": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\nbaselines: &b [*b]\n"
        },
        ["demo.yaml:8:12: baselines[0]: an alias to a value that contains it"],
    ),
    "alias bomb": (
        [],
        {"demo.yaml": BOMB},
        ["demo.yaml:1:26: more than 100000 values; aliases count every time they are used"],
    ),
    "too deep": ([], {"demo.yaml": DEEP}, ["demo.yaml:1:53: nested deeper than 50 levels"]),
    "too large": ([], {"demo.yaml": LARGE}, ["demo.yaml: 1048577 bytes; a scenario file has at most 1048576"]),
    "included file too large": (
        [],
        {"chips/fast.yaml": LARGE},
        ["demo.yaml:3:7: chip: chips/fast.yaml: 1048577 bytes; a scenario file has at most 1048576"],
    ),
    "not UTF-8": ([], {"demo.yaml": b"schema_version: 1\nname: \xff\n"}, ["demo.yaml:2:7: not UTF-8"]),
    "control character": (
        [],
        {"demo.yaml": "schema_version: 1\nname: \x01\n"},
        ["demo.yaml:2:7: not YAML: control character U+0001"],
    ),
    "NUL in a path": (
        [],
        {
            "demo.yaml": 'schema_version: 1\nkind: demo\nchip: "a\\0.yaml"\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\n'
        },
        ["demo.yaml:3:7: chip: a\\x00.yaml: embedded null byte"],
    ),
    "key of another kind of component": (
        ["schedule.evry=3"],
        {},
        ["--set schedule.evry=3: schedule.evry: unknown key; known: kind, target"],
    ),
    "missing file": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fats.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\n"
        },
        ["demo.yaml:3:7: chip: chips/fats.yaml: no such file"],
    ),
    "missing base": (
        [],
        {"chips/fast.yaml": "extends: bsae.yaml\n"},
        ["chips/fast.yaml:1:10: extends: chips/bsae.yaml: no such file"],
    ),
    "folder for a file": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/../chips.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\n",
            "chips.yaml/x": "",
        },
        ["demo.yaml:3:7: chip: chips.yaml: is a directory"],
    ),
    "name where a path is expected": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: fast\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\n"
        },
        ["demo.yaml:3:7: chip: expected a mapping, or the path of a YAML file (*.yaml), got the text 'fast'"],
    ),
    "include loop": (
        [],
        {"chips/base.yaml": "extends: fast.yaml\n"},
        [
            "chips/base.yaml:1:10: extends: include loop: demo.yaml -> chips/fast.yaml -> chips/base.yaml -> chips/fast.yaml"
        ],
    ),
    "file extends itself": (
        [],
        {
            "demo.yaml": "extends: demo.yaml\nschema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\n"
        },
        ["demo.yaml:1:10: extends: include loop: demo.yaml -> demo.yaml"],
    ),
    "extends a number": (
        [],
        {"chips/fast.yaml": "extends: 3\n"},
        ["chips/fast.yaml:1:10: extends: expected the path of a YAML file"],
    ),
    "extends a list": (
        [],
        {"chips/base.yaml": "- 3\n"},
        ["chips/fast.yaml:1:10: extends: chips/base.yaml: not a mapping, cannot be extended"],
    ),
    "syntax error in an included file": (
        [],
        {"chips/base.yaml": "name: [\n"},
        [
            "chips/base.yaml:2:1: not YAML: expected the node content, but found '<stream end>' (while parsing a flow node)"
        ],
    ),
    "a validator points at a field": (
        [],
        {"chips/fast.yaml": "extends: base.yaml\ncore:\n  lanes: 100\n  buffer: 64 KiB\n"},
        ["chips/fast.yaml:4:11: chip.core.buffer: 100 lanes need at least 100 KiB"],
    ),
    "a validator points at a default": (
        [],
        {"chips/fast.yaml": "extends: base.yaml\ncore:\n  lanes: 100\n"},
        ["chips/fast.yaml:3:3: chip.core: 100 lanes need at least 100 KiB"],
    ),
    "a validator rejects the whole": (
        [],
        {"chips/fast.yaml": "extends: base.yaml\nsupply: 1.3 V\n"},
        ["chips/fast.yaml:1:1: chip: 1300 mV would break it"],
    ),
    "unknown component": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: liner\n  target: 90 %\nsteps: 5\n"
        },
        ["demo.yaml:5:9: schedule.kind: unknown name 'liner'; did you mean 'linear'?"],
    ),
    "component without kind": (
        [],
        {"demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  target: 90 %\nsteps: 5\n"},
        ["demo.yaml:5:3: schedule.kind: required, but missing; known: linear, step"],
    ),
    "text for a component": (
        [],
        {"demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule: linear\nsteps: 5\n"},
        ["demo.yaml:4:11: schedule: expected a mapping, or the path of a YAML file (*.yaml), got the text 'linear'"],
    ),
    "missing data file": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\ndata: nothing.npz\n"
        },
        ["demo.yaml:8:7: data: nothing.npz: no such file"],
    ),
    "data file is a number": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\ndata: 3\n"
        },
        ["demo.yaml:8:7: data: expected the path of a file, got 3"],
    ),
    "data file is a folder": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\ndata: chips\n"
        },
        ["demo.yaml:8:7: data: chips: is a directory"],
    ),
    "number beyond 64 bits": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\nseed: 99999999999999999999\n"
        },
        ["demo.yaml:8:7: seed: a number beyond 64 bits"],
    ),
    "not a number": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\nseed: .nan\n"
        },
        ["demo.yaml:8:7: seed: .nan is not a finite number"],
    ),
    "mapping as a key": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\n{a: 1}: 2\n"
        },
        ["demo.yaml:8:1: a key must be a plain word; quote text that contains { or ["],
    ),
    "nothing behind a key": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps:\n"
        },
        ["demo.yaml:7:1: steps: expected a whole number, got nothing"],
    ),
    "list of components": (
        [],
        {
            "demo.yaml": "schema_version: 1\nkind: demo\nchip: chips/fast.yaml\nschedule:\n  kind: linear\n  target: 90 %\nsteps: 5\nbaselines:\n  - chips/base.yaml\n  - chips/nope.yaml\n  - {name: a}\n"
        },
        [
            "demo.yaml:10:5: baselines[1]: chips/nope.yaml: no such file",
            "demo.yaml:11:5: baselines[2].clock: required, but missing",
            "demo.yaml:11:5: baselines[2].supply: required, but missing",
        ],
    ),
    "sweep of unknown paths": (
        [],
        {"demo.yaml": SWEEP + "  chip.core.lanse: [1, 2]\n  chpi.core.lanes: [3]\n"},
        [
            "demo.yaml:9:3: sweep.chip.core.lanse: unknown key; did you mean 'lanes'?",
            "demo.yaml:10:3: sweep.chpi.core.lanes: unknown key; did you mean 'chip'?",
        ],
    ),
    "sweep below a number": (
        [],
        {"demo.yaml": SWEEP + "  steps.x: [4, 5]\n"},
        ["demo.yaml:9:3: sweep.steps.x: steps has no 'x'"],
    ),
    "sweep below what is no file": (
        [],
        {"demo.yaml": SWEEP + "  name: [fast]\n  name.x: [4, 5]\n"},
        ["demo.yaml:10:3: sweep.name.x: no such place in the scenario"],
    ),
    "sweep of values that do not fit": (
        [],
        {
            "demo.yaml": SWEEP
            + "  steps: [5, 0, five]\n  schedule.kind: [linear, linaer]\n  chip.supply: [0.8 V, 3]\n  chip:\n    - chips/nope.yaml\n    - {extends: chips/base.yaml, core: {lanes: 0, lnaes: 1}}\n"
        },
        [
            "demo.yaml:12:3: sweep.chip: replaces what 'chip.supply' sets; write it above that",
        ],
    ),
    "sweep of values that do not fit, in order": (
        [],
        {
            "demo.yaml": SWEEP
            + "  chip:\n    - chips/nope.yaml\n    - {extends: chips/base.yaml, core: {lanes: 0, lnaes: 1}}\n    - chips/base.yaml\n  steps: [5, 0, five]\n  schedule.kind: [linear, linaer]\n  chip.supply: [0.8 V, 3]\n"
        },
        [
            "demo.yaml:10:7: sweep.chip[0]: chips/nope.yaml: no such file",
            "demo.yaml:11:48: sweep.chip[1].core.lanes: must be at least 1, got 0",
            "demo.yaml:11:51: sweep.chip[1].core.lnaes: unknown key; did you mean 'lanes'?",
            "demo.yaml:13:14: sweep.steps[1]: must be at least 1, got 0",
            "demo.yaml:13:17: sweep.steps[2]: expected a whole number, got the text 'five'",
            "demo.yaml:14:27: sweep.schedule.kind[1]: unknown name 'linaer'; did you mean 'linear'?",
            "demo.yaml:15:24: sweep.chip.supply[1]: expected a voltage with its unit, like '0.78 V'; 3 has none (units: uV, mV, V)",
        ],
    ),
    "sweep of values that do not go together": (
        [],
        {"demo.yaml": SWEEP + "  chip.core.lanes: [8, 100, 200]\n  chip.core.buffer: [64 KiB, 128 KiB]\n"},
        [
            "demo.yaml:10:22: sweep.chip.core.buffer[0]: 100 lanes need at least 100 KiB (at chip.core.lanes=100, chip.core.buffer=64 KiB)",
            "demo.yaml:10:22: sweep.chip.core.buffer[0]: 200 lanes need at least 200 KiB (at chip.core.lanes=200, chip.core.buffer=64 KiB)",
            "demo.yaml:10:30: sweep.chip.core.buffer[1]: 200 lanes need at least 200 KiB (at chip.core.lanes=200, chip.core.buffer=128 KiB)",
        ],
    ),
    "sweep of values that do not go with the rest": (
        [],
        {
            "demo.yaml": SWEEP + "  chip.core.lanes: [8, 16]\n  steps: [1, 2]\n",
            "chips/fast.yaml": "extends: base.yaml\ncore:\n  buffer: 9 KiB\n",
        },
        [
            "chips/fast.yaml:3:11: chip.core.buffer: 16 lanes need at least 16 KiB (at chip.core.lanes=16, steps=1 and 1 more)",
        ],
    ),
    "sweep of a scenario that is wrong by itself": (
        [],
        {"demo.yaml": "stpes: 5\n" + SWEEP + "  chip.core.lanes: [0, 16]\n"},
        [
            "demo.yaml:1:1: stpes: unknown key; did you mean 'steps'?",
            "demo.yaml:10:21: sweep.chip.core.lanes[0]: must be at least 1, got 0",
        ],
    ),
    "sweeps that are none": (
        [],
        {
            "demo.yaml": SWEEP
            + "  steps: []\n  seed: 3\n  chip..core: [1]\n  mode: [trace, functional, trace]\n  chip.core.lanes: [1]\n  chip.core[lanes]: [2]\n  chip.core: [{lanes: 3}]\n  name: [a]\n  name: [b]\n"
        },
        ["demo.yaml:17:3: sweep.name: duplicate key; first in line 16"],
    ),
    "sweeps that are none, by one": (
        [],
        {
            "demo.yaml": SWEEP
            + "  steps: []\n  seed: 3\n  chip..core: [1]\n  mode: [trace, functional, trace]\n  chip.core.lanes: [1]\n  chip.core[lanes]: [2]\n  chip.core: [{lanes: 3}]\n"
        },
        [
            "demo.yaml:9:10: sweep.steps: an empty list: no value, no point",
            "demo.yaml:10:9: sweep.seed: expected a list of values, got 3",
            "demo.yaml:11:3: sweep.chip..core: expected the path of a value, like chip.core.lanes",
            "demo.yaml:12:29: sweep.mode[2]: the same value as [0]",
            "demo.yaml:14:3: sweep.chip.core[lanes]: the same parameter as 'chip.core.lanes'",
            "demo.yaml:15:3: sweep.chip.core: replaces what 'chip.core.lanes' sets; write it above that",
        ],
    ),
    "nothing behind sweep": (
        [],
        {"demo.yaml": SWEEP},
        ["demo.yaml:8:1: sweep: expected a mapping of paths to lists of values, got nothing"],
    ),
    "sweep that is a list": (
        [],
        {"demo.yaml": SWEEP.replace("sweep:", "sweep: [steps]")},
        ["demo.yaml:8:8: sweep: expected a mapping of paths to lists of values, got a list"],
    ),
    "sweep that is empty": (
        ["sweep={}"],
        {},
        ["--set sweep={}: sweep: expected a mapping of paths to lists of values, got an empty mapping"],
    ),
    "sweep of too many points": (
        [],
        {"demo.yaml": SWEEP + f"  seed: {list(range(101))}\n  steps: {list(range(100))}\n"},
        ["demo.yaml:8:1: sweep: 10100 points; at most 10000"],
    ),
    "override of what the sweep sets": (
        ["chip.core.lanes=4"],
        {"demo.yaml": SWEEP + "  chip.core.lanes: [8, 16]\n"},
        ["--set chip.core.lanes=4: sweep.chip.core.lanes: the sweep sets it, too: set the list, or leave it out"],
    ),
    "override of the sweep": (
        ["sweep={steps: [0, 5], chip.core.lanes: [0]}"],
        {},
        [
            "--set sweep={steps: [0, 5], chip.core.lanes: [0]}: sweep.chip.core.lanes[0]: must be at least 1, got 0",
            "--set sweep={steps: [0, 5], chip.core.lanes: [0]}: sweep.steps[0]: must be at least 1, got 0",
        ],
    ),
    "malformed override": (
        ["steps=0", "chip.core.lanse=4", "nonsense", "chip.supply=3", "a.b.c=1", "steps.x=1", "schedule.kind=stp"],
        {},
        ["--set nonsense: expected PATH=VALUE, like chip.lanes=8"],
    ),
    "overrides of wrong values": (
        ["steps=0", "chip.core.lanse=4", "chip.supply=3", "schedule.kind=stp", "step=3"],
        {},
        [
            "--set chip.supply=3: chip.supply: expected a voltage with its unit, like '0.78 V'; 3 has none (units: uV, mV, V)",
            "--set chip.core.lanse=4: chip.core.lanse: unknown key; did you mean 'lanes'?",
            "--set schedule.kind=stp: schedule.kind: unknown name 'stp'; did you mean 'step'?",
            "--set steps=0: steps: must be at least 1, got 0",
            "--set step=3: step: unknown key; did you mean 'steps'?",
        ],
    ),
    "override below a value": (
        ["mode.x=0"],
        {},
        ["--set mode.x=0: mode: expected 'functional' or 'trace', got a mapping"],
    ),
    "override below a number": (["steps.x=0"], {}, ["--set steps.x=0: steps has no 'x'"]),
    "override that is no YAML": (
        ["baselines[0].name=x", "chip=["],
        {},
        [
            "--set chip=[: chip: not YAML: expected the node content, but found '<stream end>' (while parsing a flow node)"
        ],
    ),
    "override with a missing file": (
        ["chip=chips/no.yaml"],
        {},
        ["--set chip=chips/no.yaml: chip: chips/no.yaml: no such file"],
    ),
    "a mapping in the place of a file": (
        [],
        {
            "demo.yaml": "extends: sub/base.yaml\nchip: {core: {lanes: 0}}\n",
            "sub/base.yaml": SCENARIO.replace("chips/", "../chips/"),
        },
        [
            "demo.yaml:2:7: chip: replaces ../chips/fast.yaml as a whole, but lacks name, clock, supply; to change a part of it, put 'extends: chips/fast.yaml' into it",
            "demo.yaml:2:22: chip.core.lanes: must be at least 1, got 0",
        ],
    ),
    "a mapping in the place of a file of some kind": (
        [],
        {
            "demo.yaml": "extends: base.yaml\nschedule: {target: 50 %}\n",
            "base.yaml": SCENARIO.partition("schedule")[0] + "schedule: linear.yaml\nsteps: 5\n",
            "linear.yaml": "kind: linear\ntarget: 90 %\n",
        },
        [
            "demo.yaml:2:11: schedule: replaces linear.yaml as a whole, but lacks kind; to change a part of it, put 'extends: linear.yaml' into it"
        ],
    ),
    "a mapping in the place of a file, over two files": (
        [],
        {
            "demo.yaml": "extends: mid.yaml\nchip: {core: {lanes: 4}}\n",
            "mid.yaml": "extends: base.yaml\nchip: {name: mine}\n",
            "base.yaml": SCENARIO,
        },
        [
            "demo.yaml:2:7: chip: replaces chips/fast.yaml as a whole, but lacks clock, supply; to change a part of it, put 'extends: chips/fast.yaml' into it"
        ],
    ),
    "a mapping in the place of a file, by an override": (
        ["chip={core: {lanes: 4}}"],
        {},
        [
            "--set chip={core: {lanes: 4}}: chip: replaces chips/fast.yaml as a whole, but lacks name, clock, supply; to change a part of it, put 'extends: chips/fast.yaml' into it"
        ],
    ),
    "a mapping in the place of a file, by a sweep": (
        [],
        {"demo.yaml": SWEEP + "  chip: [chips/base.yaml, {name: mine}]\n"},
        [
            "demo.yaml:9:27: sweep.chip[1]: replaces chips/fast.yaml as a whole, but lacks clock, supply; to change a part of it, put 'extends: chips/fast.yaml' into it"
        ],
    ),
    "a part of a mapping where the whole belongs": (
        [],
        {"demo.yaml": SCENARIO.replace("chips/fast.yaml", "{core: {lanes: 4}}")},
        [
            "demo.yaml:3:7: chip: lacks name, clock, supply: it stands for the whole; to change a part of what a file says, put 'extends: FILE' into it"
        ],
    ),
    "a chip file that was meant to extend another": (
        [],
        {"chips/fast.yaml": "core: {lanes: 4}\n"},
        [
            "chips/fast.yaml:1:1: chip: lacks name, clock, supply: it stands for the whole; to change a part of what a file says, put 'extends: FILE' into it"
        ],
    ),
    "an override that extends what is not there": (
        ["chip={extends: chips/fats.yaml}"],
        {},
        ["--set chip={extends: chips/fats.yaml}: chip.extends: chips/fats.yaml: no such file"],
    ),
    "what is missing has the name of a key above": (
        [],
        {"demo.yaml": SCENARIO.replace("chips/fast.yaml", "{clock: 1 MHz, supply: 1 V}\nname: above")},
        ["demo.yaml:3:7: chip.name: required, but missing"],
    ),
    "many at once": (
        [],
        {"demo.yaml": "schema_version: 1\nkind: demo\nchip: {name: 3}\nsteps: x\nverify: 1\nfoo: 2\n"},
        [
            "demo.yaml:1:1: schedule: required, but missing",
            "demo.yaml:3:7: chip.clock: required, but missing",
            "demo.yaml:3:7: chip.supply: required, but missing",
            "demo.yaml:3:14: chip.name: expected text, got 3",
            "demo.yaml:4:8: steps: expected a whole number, got the text 'x'",
            "demo.yaml:5:9: verify: expected true or false, got 1",
            "demo.yaml:6:1: foo: unknown key; known: baselines, chip, data, description, kind, mode, name, schedule, schema_version, seed, step_time, steps, ... (13 in all)",
        ],
    ),
}


@pytest.fixture
def demo_registry():
    registry = Registry()
    register(registry)
    return registry


def problems(registry, *overrides):
    with pytest.raises(ScenarioError) as caught:
        load_scenario("demo.yaml", overrides, known=registry)
    assert caught.value.exit_code == 2
    return str(caught.value).splitlines()


@pytest.mark.parametrize("case", BROKEN)
def test_broken_scenario(case, tmp_path, demo_registry, monkeypatch):
    overrides, files, expected = BROKEN[case]
    write_files(tmp_path, **files)
    monkeypatch.chdir(tmp_path)
    assert problems(demo_registry, *overrides) == expected


def test_the_unbroken_scenario_is_accepted(tmp_path, demo_registry, monkeypatch):
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert load_scenario("demo.yaml", known=demo_registry).spec.chip.name == "fast"


def test_no_such_scenario(tmp_path, demo_registry, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert problems(demo_registry) == ["demo.yaml: no such file"]
    (tmp_path / "demo.yaml").mkdir()
    assert problems(demo_registry) == ["demo.yaml: is a directory"]


def test_device_files_are_not_read(tmp_path, demo_registry, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path, **{"chips/fast.yaml": "extends: /dev/zero\n"})
    expected = ["chips/fast.yaml:1:10: extends: /dev/zero: is not a regular file"]
    assert problems(demo_registry) == expected


def test_a_chain_of_files_that_doubles_at_every_step_is_cut_off(tmp_path, demo_registry, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_files(
        tmp_path, **{f"{i}.yaml": f"a: {{extends: {i + 1}.yaml}}\nb: {{extends: {i + 1}.yaml}}\n" for i in range(14)}
    )
    write_files(tmp_path, **{"14.yaml": "c: 1\n", "demo.yaml": "extends: 0.yaml\n"})
    (line,) = problems(demo_registry)
    assert line.endswith(f"more than {MAX_LOADS} files to include")


def test_a_long_chain_of_files_is_cut_off(tmp_path, demo_registry, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_files(
        tmp_path, **{f"{i}.yaml": f"extends: {i + 1}.yaml\n" for i in range(20)}, **{"demo.yaml": "extends: 0.yaml\n"}
    )
    assert problems(demo_registry) == ["14.yaml:1:10: extends: more than 16 files, one including the next"]
