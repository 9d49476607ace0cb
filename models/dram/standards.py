"""The timing tables of DDR3, DDR4 and LPDDR4, to be read beside the standards line by line.

Sources: JESD79-3 (DDR3), JESD79-4 (DDR4), JESD209-4 (LPDDR4), core timing and command truth tables. Commands that are
not modelled (power-down, self-refresh, mode registers, calibration) have no rows. RDA and WRA keep the distances of RD
and WR, which `_with_auto_precharge` adds; their own rows are those of the precharge that they begin.
"""

from .rules import Rule

# fmt: off
_COMMON = (
    #    name      scope         preceding following latency                  window
    Rule("tRCD",   "bank",       "ACT",    "RD",     "tRCD"),
    Rule("tRCD",   "bank",       "ACT",    "WR",     "tRCD"),
    Rule("tRAS",   "bank",       "ACT",    "PRE",    "tRAS"),
    Rule("tRAS",   "rank",       "ACT",    "PREA",   "tRAS"),
    Rule("tRP",    "bank",       "PRE",    "ACT",    "tRP"),
    Rule("tRP",    "rank",       "PRE",    "REF",    "tRP"),
    Rule("tRC",    "bank",       "ACT",    "ACT",    "tRC"),
    Rule("tRC",    "rank",       "ACT",    "REF",    "tRC"),
    Rule("tRTP",   "bank",       "RD",     "PRE",    "tRTP"),
    Rule("tRTP",   "rank",       "RD",     "PREA",   "tRTP"),
    Rule("tWR",    "bank",       "WR",     "PRE",    "WL + BL_CK + tWR"),
    Rule("tWR",    "rank",       "WR",     "PREA",   "WL + BL_CK + tWR"),
    Rule("tRRD_S", "rank",       "ACT",    "ACT",    "tRRD_S"),
    Rule("tFAW",   "rank",       "ACT",    "ACT",    "tFAW",                  4),
    Rule("tCCD_S", "rank",       "RD",     "RD",     "tCCD_S"),
    Rule("tCCD_S", "rank",       "WR",     "WR",     "tCCD_S"),
    Rule("tRTW",   "rank",       "RD",     "WR",     "tRTW"),
    Rule("tWTR_S", "rank",       "WR",     "RD",     "WL + BL_CK + tWTR_S"),
    Rule("tRFC",   "rank",       "REF",    "ACT",    "tRFC"),
    Rule("tRFC",   "rank",       "REF",    "PRE",    "tRFC"),
    Rule("tRFC",   "rank",       "REF",    "PREA",   "tRFC"),
    Rule("tRFC",   "rank",       "REF",    "REF",    "tRFC"),
    Rule("tCS",    "other rank", "RD",     "RD",     "BL_CK + tCS"),
    Rule("tCS",    "other rank", "WR",     "WR",     "BL_CK + tCS"),
    Rule("tCS",    "other rank", "RD",     "WR",     "RL + BL_CK + tCS - WL"),
    Rule("tCS",    "other rank", "WR",     "RD",     "WL + BL_CK + tCS - RL"),
)

_AUTO_PRECHARGE = (
    Rule("tRTP",   "bank",       "RDA",    "ACT",    "tRTP + tRP"),
    Rule("tRTP",   "rank",       "RDA",    "REF",    "tRTP + tRP"),
    Rule("tWR",    "bank",       "WRA",    "ACT",    "WL + BL_CK + tWR + tRP"),
    Rule("tWR",    "rank",       "WRA",    "REF",    "WL + BL_CK + tWR + tRP"),
)

_PREA = (
    Rule("tRP",    "rank",       "PREA",   "ACT",    "tRP"),
    Rule("tRP",    "rank",       "PREA",   "REF",    "tRP"),
)

_GROUPS = (
    Rule("tRRD_L", "group",      "ACT",    "ACT",    "tRRD_L"),
    Rule("tCCD_L", "group",      "RD",     "RD",     "tCCD_L"),
    Rule("tCCD_L", "group",      "WR",     "WR",     "tCCD_L"),
    Rule("tWTR_L", "group",      "WR",     "RD",     "WL + BL_CK + tWTR_L"),
)

_LPDDR4 = (
    Rule("tRPab",  "rank",       "PREA",   "ACT",    "tRPab"),
    Rule("tRPab",  "rank",       "PREA",   "REF",    "tRPab"),
    Rule("tPPD",   "rank",       "PRE",    "PRE",    "tPPD"),
)

# A refresh of one bank: the other banks go on, at the distances of an ACT.
_PER_BANK_REFRESH = (
    Rule("tRP",    "bank",       "PRE",    "REFPB",  "tRP"),
    Rule("tRPab",  "rank",       "PREA",   "REFPB",  "tRPab"),
    Rule("tRC",    "bank",       "ACT",    "REFPB",  "tRC"),
    Rule("tRTP",   "bank",       "RDA",    "REFPB",  "tRTP + tRP"),
    Rule("tWR",    "bank",       "WRA",    "REFPB",  "WL + BL_CK + tWR + tRP"),
    Rule("tRRD_S", "rank",       "ACT",    "REFPB",  "tRRD_S"),
    Rule("tRRD_S", "rank",       "REFPB",  "ACT",    "tRRD_S"),
    Rule("tRFC",   "rank",       "REF",    "REFPB",  "tRFC"),
    Rule("tRFCpb", "bank",       "REFPB",  "ACT",    "tRFCpb"),
    Rule("tRFCpb", "rank",       "REFPB",  "REFPB",  "tRFCpb"),
    Rule("tRFCpb", "rank",       "REFPB",  "REF",    "tRFCpb"),
)
# fmt: on

_AUTO = {"RD": "RDA", "WR": "WRA"}


def _with_auto_precharge(rows: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """The rows, those about RD and WR for RDA and WRA too, but not the ones about a PRE, which RDA and WRA make do
    without."""
    added = []
    for row in rows:
        preceding = [row.preceding, *([_AUTO[row.preceding]] if row.preceding in _AUTO else [])]
        following = [row.following, *([_AUTO[row.following]] if row.following in _AUTO else [])]
        if row.following in ("PRE", "PREA"):
            preceding = preceding[:1]
        added += [row._replace(preceding=before, following=after) for before in preceding for after in following]
    return tuple(added) + _AUTO_PRECHARGE


DDR3 = _with_auto_precharge(_COMMON + _PREA)
DDR4 = _with_auto_precharge(_COMMON + _PREA + _GROUPS)
LPDDR4 = _with_auto_precharge(_COMMON + _LPDDR4) + _PER_BANK_REFRESH

STANDARDS = {"DDR3": DDR3, "DDR4": DDR4, "LPDDR4": LPDDR4}
