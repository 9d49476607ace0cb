"""Claims that take a moment: a layer of 8 channels on 6x6 pixels."""

from .chips import SCENARIOS

LAYER = "{name: layer, c: 8, h: 6, w: 6, k: 8, r: 3, s: 3, pad: 1}"

CLAIM = f"""
schema_version: 1
kind: claim
name: a small claim
seed: 3
published:
  - {{value: 1000000, unit: TOPS/W, what: far too much, source: nobody}}
  - {{value: 3.0, unit: TOPS/W, what: easily reached, source: nobody}}
study:
  study: energy_gain
  chip: {SCENARIOS}/chips/pnpu.yaml
  memory: {SCENARIOS}/memories/lpddr4_3200.yaml
  layer: {LAYER}
  inputs: [1.0, 0.5]
  weights: [1.0, 0.25]
  coarse_shares: [0.5]
  sparse_point: {{input: 0.5, weight: 0.25, coarse: 0.5}}
  operating_points: [fast]
  record: assumptions.yaml
  record_of: [pnpu]
"""

RECORD = """
schema_version: 1
calibration:
  knob: one factor
  reason: it cancels
  on: {pnpu: {value: 3.14, unit: TOPS/W, source: nobody}}
  workload: a layer
studies: {}
chips:
  pnpu:
    core.window: {value: 16, low: 8, high: 32, reason: why not}
    core.macs_per_lane: {value: 1, alternatives: [0], reason: none is too few}
    pruning_unit.lanes: {value: 64, low: 16, reason: no event uses them}
    operating_points.fast.voltage: {value: 1.1 V, high: 1.2 V, reason: another supply}
energies: {}
"""


def write(folder):
    """The claim and its record."""
    folder.mkdir(exist_ok=True)
    (folder / "small.yaml").write_text(CLAIM)
    (folder / "assumptions.yaml").write_text(RECORD)
    return folder
