"""The adaptive choice of what to skip: per layer and stage, from what the hardware knows when it must choose.

It knows the masks that exist before the stage begins (weights; in BP the ReLU mask of the output, in WG the weight
mask of dW) and, of the operands that are still to come, the counters of the previous iteration. The simulator knows
more: the cycles of every candidate, from which the regret against the best choice in hindsight follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..tensors import Stage
from .params import CoreParams
from .policy import SkipPolicy, StagePolicies


@dataclass(frozen=True)
class ZeroCounts:
    """Non-zeros of an operand or of an output mask, of how many elements.

    Raises ValueError unless 0 <= nonzeros <= size and size > 0.
    """

    nonzeros: int
    size: int

    def __post_init__(self) -> None:
        if not (0 <= self.nonzeros <= self.size and self.size > 0):
            raise ValueError(f"expected 0 <= nonzeros <= size, size at least 1, got {self.nonzeros} of {self.size}")


@dataclass(frozen=True)
class Choice:
    """One decision, and, once `settle` has been called, what it cost.

    estimates       estimated cycles of each candidate, switching included; empty where nothing was known
    switch_cycles   paid for changing the policy
    cycles          measured, of the policy chosen, with switch_cycles; None until settled
    best            the cheapest policy in hindsight
    regret_cycles   cycles - the cheapest candidate's (that is: with switching free)
    """

    layer: str
    stage: Stage
    policy: SkipPolicy
    switched: bool
    switch_cycles: int
    estimates: tuple[int, ...]
    cycles: int | None = None
    best: SkipPolicy | None = None
    regret_cycles: int | None = None


class AdaptiveChooser:
    """Chooses the policy with the lowest estimated cycles; ties go to the present one, then to the first candidate.

    Without counters of a previous iteration the first candidate is taken. The estimate is what a handful of counters
    and one multiplier can do in hardware: dense multiply-accumulates times the densities of the operands that the
    policy skips, but no fewer cycles than the blocks to be scanned; correlations and imbalance it cannot know. (The
    chip's own rule is not published: this one is an assumption.)

    `switch_cycles` is what a change of policy costs a layer's stage. All choices are in `choices`, in order.
    """

    def __init__(self, policies: StagePolicies, params: CoreParams, switch_cycles: int = 0) -> None:
        if switch_cycles < 0:
            raise ValueError(f"switch_cycles must not be negative, got {switch_cycles}")
        self.policies = policies
        self.choices: list[Choice] = []
        self._params = params
        self._switch_cycles = switch_cycles
        self._present: dict[tuple[str, Stage], SkipPolicy] = {}
        self._counters: dict[tuple[str, Stage], dict[str, ZeroCounts]] = {}

    def choose(self, layer: str, stage: Stage, dense_macs: int, known: Mapping[str, ZeroCounts]) -> SkipPolicy:
        """The policy for this iteration; `known`: zero counts of what is known now ("input", "weight", "output")."""
        key = (layer, stage)
        candidates = self.policies[stage]
        present = self._present.get(key)
        counts = {**self._counters.get(key, {}), **known}
        named: set[str] = set().union(*(candidate.operands for candidate in candidates))
        estimates: tuple[int, ...] = ()
        policy = present or candidates[0]
        if len(candidates) > 1 and named <= counts.keys():
            estimates = tuple(
                self._estimate(candidate, dense_macs, counts)
                + (self._switch_cycles if present not in (None, candidate) else 0)
                for candidate in candidates
            )
            order = sorted(range(len(candidates)), key=lambda i: (estimates[i], candidates[i] != present, i))
            policy = candidates[order[0]]
        switched = present is not None and policy != present
        self._present[key] = policy
        self.choices.append(Choice(layer, stage, policy, switched, self._switch_cycles if switched else 0, estimates))
        return policy

    def observe(self, layer: str, stage: Stage, counters: Mapping[str, ZeroCounts]) -> None:
        """Keep this iteration's counters of the operands for the next choice."""
        self._counters[(layer, stage)] = dict(counters)

    def settle(self, layer: str, stage: Stage, cycles: Mapping[SkipPolicy, int]) -> Choice:
        """Complete the last choice of this layer and stage with the measured cycles of all candidates.

        Raises ValueError where there is no such choice or a candidate's cycles are missing.
        """
        for at in range(len(self.choices) - 1, -1, -1):
            if (self.choices[at].layer, self.choices[at].stage) == (layer, stage):
                break
        else:
            raise ValueError(f"no choice has been made for layer {layer!r}, stage {stage}")
        missing = [str(candidate) for candidate in self.policies[stage] if candidate not in cycles]
        if missing:
            raise ValueError(f"layer {layer!r}, stage {stage}: no cycles for {missing[0]}")
        choice = self.choices[at]
        best = min(self.policies[stage], key=lambda candidate: cycles[candidate])
        spent = cycles[choice.policy] + choice.switch_cycles
        self.choices[at] = replace(choice, cycles=spent, best=best, regret_cycles=spent - cycles[best])
        return self.choices[at]

    def take_choices(self) -> tuple[Choice, ...]:
        """The choices so far, which are then forgotten; what later ones are made from is not."""
        taken, self.choices = tuple(self.choices), []
        return taken

    def state(self) -> list[Any]:
        """What later choices are made from, as plain data: per layer and stage the present policy's place among the
        candidates, and the counters of the last iteration."""
        keys = dict.fromkeys((*self._present, *self._counters))
        return [
            [
                layer,
                str(stage),
                self.policies[stage].index(self._present[layer, stage]) if (layer, stage) in self._present else None,
                {name: [c.nonzeros, c.size] for name, c in self._counters.get((layer, stage), {}).items()},
            ]
            for layer, stage in keys
        ]

    def restore(self, state: Iterable[Any]) -> None:
        """Take back what `state` gave."""
        for layer, stage_name, policy, counters in state:
            key = (str(layer), Stage(stage_name))
            if policy is not None:
                self._present[key] = self.policies[key[1]][policy]
            self._counters[key] = {name: ZeroCounts(*counts) for name, counts in counters.items()}

    def regret_cycles(self) -> int:
        """Sum over all settled choices."""
        return sum(choice.regret_cycles for choice in self.choices if choice.regret_cycles is not None)

    def _estimate(self, policy: SkipPolicy, dense_macs: int, counts: Mapping[str, ZeroCounts]) -> int:
        """Cycles of one core's lanes, in integers: the same on every machine."""
        dense = dense_macs
        if "output" in policy.operands:
            dense = dense * counts["output"].nonzeros // counts["output"].size
        macs = dense
        for operand in ("input", "weight"):
            if policy.fine and operand in policy.operands:
                macs = macs * counts[operand].nonzeros // counts[operand].size
        scans = -(-dense // self._params.window)
        return max(-(-macs // (self._params.macs_per_lane * self._params.lanes)), -(-scans // self._params.lanes))
