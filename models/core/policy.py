"""What a core skips: the operands whose zeros count, and how (adaptive input/output/weight skipping).

The operands have the names of their roles:

| stage | "input"      | "weight"     | "output"                                      |
|-------|--------------|--------------|-----------------------------------------------|
| FF    | X            | W            | unknown until computed: cannot be skipped     |
| BP    | dY           | W            | dX, zero where the ReLU of FF cut off         |
| WG    | X            | dY           | dW, unneeded where the weight is pruned       |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..tensors import Stage

OPERANDS = ("input", "weight", "output")


@dataclass(frozen=True)
class SkipPolicy:
    """Skip the zeros of `operands`: `fine` one by one, `coarse` whole blocks inside coarse units of the weights.

    Without `fine` every index of a block that is not jumped counts as effectual; known-zero outputs are removed all the
    same where "output" is named. Raises ValueError for an unknown operand, and for `coarse` without "weight".
    """

    operands: frozenset[str]
    fine: bool = True
    coarse: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "operands", frozenset(self.operands))
        unknown = sorted(self.operands - set(OPERANDS))
        if unknown:
            raise ValueError(f"unknown operand {unknown[0]!r}: expected some of {', '.join(OPERANDS)}")
        if self.coarse and "weight" not in self.operands:
            raise ValueError("coarse skipping jumps over zero weights: 'weight' must be among the operands")

    def check_stage(self, stage: Stage) -> None:
        """Raise ValueError where the stage cannot skip what the policy names."""
        if stage is Stage.FF and "output" in self.operands:
            raise ValueError("the feed-forward stage cannot skip 'output': its zeros are unknown until computed")

    def __str__(self) -> str:
        names = "+".join(name for name in OPERANDS if name in self.operands) or "nothing"
        how = [how for how, on in (("fine", self.fine), ("coarse", self.coarse)) if on]
        return f"{names} ({', '.join(how) or 'no zeros'})"


DENSE = SkipPolicy(frozenset(), fine=False)


@dataclass(frozen=True)
class StagePolicies:
    """For each stage the policies a core may use, the default first; one policy or a sequence of them.

    Raises ValueError where a stage has none, names one twice, or cannot skip what a policy names.
    """

    candidates: Mapping[Stage, tuple[SkipPolicy, ...]]

    def __post_init__(self) -> None:
        checked: dict[Stage, tuple[SkipPolicy, ...]] = {}
        for stage in Stage:
            given = self.candidates.get(stage, ())
            policies = (given,) if isinstance(given, SkipPolicy) else tuple(given)
            if not policies:
                raise ValueError(f"stage {stage}: at least one policy is needed")
            if len(set(policies)) != len(policies):
                raise ValueError(f"stage {stage}: the same policy is named twice")
            for policy in policies:
                policy.check_stage(stage)
            checked[stage] = policies
        object.__setattr__(self, "candidates", checked)

    @classmethod
    def fixed(cls, ff: SkipPolicy, bp: SkipPolicy, wg: SkipPolicy) -> StagePolicies:
        """One policy a stage: nothing to choose."""
        return cls({Stage.FF: (ff,), Stage.BP: (bp,), Stage.WG: (wg,)})

    def __getitem__(self, stage: Stage) -> tuple[SkipPolicy, ...]:
        return self.candidates[stage]
