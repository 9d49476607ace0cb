"""The timing tables of DDR3, DDR4 and LPDDR4, to be read beside the standards line by line.

Sources: JESD79-3 (DDR3), JESD79-4 (DDR4), JESD209-4 (LPDDR4), core timing and command truth tables. Commands that are
not modelled (auto-precharge, per-bank refresh, power-down, self-refresh, mode registers, calibration) have no rows.
"""

from .rules import Rule

# fmt: off
_COMMON = (
    #    name      scope    preceding following latency                  window
    Rule("tRCD",   "bank",  "ACT",    "RD",     "tRCD"),
    Rule("tRCD",   "bank",  "ACT",    "WR",     "tRCD"),
    Rule("tRAS",   "bank",  "ACT",    "PRE",    "tRAS"),
    Rule("tRAS",   "rank",  "ACT",    "PREA",   "tRAS"),
    Rule("tRP",    "bank",  "PRE",    "ACT",    "tRP"),
    Rule("tRP",    "rank",  "PRE",    "REF",    "tRP"),
    Rule("tRC",    "bank",  "ACT",    "ACT",    "tRC"),
    Rule("tRC",    "rank",  "ACT",    "REF",    "tRC"),
    Rule("tRTP",   "bank",  "RD",     "PRE",    "tRTP"),
    Rule("tRTP",   "rank",  "RD",     "PREA",   "tRTP"),
    Rule("tWR",    "bank",  "WR",     "PRE",    "WL + BL_CK + tWR"),
    Rule("tWR",    "rank",  "WR",     "PREA",   "WL + BL_CK + tWR"),
    Rule("tRRD_S", "rank",  "ACT",    "ACT",    "tRRD_S"),
    Rule("tFAW",   "rank",  "ACT",    "ACT",    "tFAW",                  4),
    Rule("tCCD_S", "rank",  "RD",     "RD",     "tCCD_S"),
    Rule("tCCD_S", "rank",  "WR",     "WR",     "tCCD_S"),
    Rule("tRTW",   "rank",  "RD",     "WR",     "tRTW"),
    Rule("tWTR_S", "rank",  "WR",     "RD",     "WL + BL_CK + tWTR_S"),
    Rule("tRFC",   "rank",  "REF",    "ACT",    "tRFC"),
    Rule("tRFC",   "rank",  "REF",    "PRE",    "tRFC"),
    Rule("tRFC",   "rank",  "REF",    "PREA",   "tRFC"),
    Rule("tRFC",   "rank",  "REF",    "REF",    "tRFC"),
)

DDR3 = (
    *_COMMON,
    Rule("tRP",    "rank",  "PREA",   "ACT",    "tRP"),
    Rule("tRP",    "rank",  "PREA",   "REF",    "tRP"),
)

DDR4 = (
    *DDR3,
    Rule("tRRD_L", "group", "ACT",    "ACT",    "tRRD_L"),
    Rule("tCCD_L", "group", "RD",     "RD",     "tCCD_L"),
    Rule("tCCD_L", "group", "WR",     "WR",     "tCCD_L"),
    Rule("tWTR_L", "group", "WR",     "RD",     "WL + BL_CK + tWTR_L"),
)

LPDDR4 = (
    *_COMMON,
    Rule("tRPab",  "rank",  "PREA",   "ACT",    "tRPab"),
    Rule("tRPab",  "rank",  "PREA",   "REF",    "tRPab"),
    Rule("tPPD",   "rank",  "PRE",    "PRE",    "tPPD"),
)
# fmt: on

STANDARDS = {"DDR3": DDR3, "DDR4": DDR4, "LPDDR4": LPDDR4}
