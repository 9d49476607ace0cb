"""The part of a scenario file that describes a pruning schedule (pydantic models)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cosim.scenario import Registered, Spec

Count = Annotated[int, Field(ge=1, strict=True)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class CoarseUnitSpec(Spec):
    """The tile of weights of one filter position that is pruned, skipped and measured as one."""

    channels_out: Count = Field(default=4, description="b_k: consecutive output channels.")
    channels_in: Count = Field(default=4, description="b_c: consecutive input channels.")


class NoPruningSpec(Spec):
    """Dense training."""

    schedule: Literal["none"] = "none"
    unit: CoarseUnitSpec = Field(default=CoarseUnitSpec(), description="What coarse sparsity is measured in.")


class SparsitySpec(Spec):
    """How much is pruned, and where."""

    sparsity: Share = Field(description="Share of zeros among the weights of the whole network, in the end.")
    layers: dict[str, Share] = Field(
        default={}, description="Layers with a final sparsity of their own; the others make up for them, all alike."
    )
    unit: CoarseUnitSpec = CoarseUnitSpec()


def _in_order(begin: float, end: float) -> None:
    if begin >= end:
        raise ValueError(f"begin must be before end, got {begin} and {end}")


class GradualSpec(SparsitySpec):
    """What all schedules with a ramp have in common: many events, each of which prunes a little."""

    begin: Share = Field(default=0.1, description="Share of the training after which the first event comes.")
    end: Share = Field(default=0.7, description="Share of the training at which the sparsity is reached.")
    period: Count = Field(default=1, description="Iterations from one event to the next.")

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> GradualSpec:
        _in_order(self.begin, self.end)
        return self


class GradualMagnitudeSpec(GradualSpec):
    """Gradual magnitude pruning of single weights, along a cubic (Zhu and Gupta 2017)."""

    schedule: Literal["gradual"]


class RandomSpec(GradualSpec):
    """Single weights at random, along the cubic of `gradual`: the control."""

    schedule: Literal["random"]


class OneShotSpec(SparsitySpec):
    """Magnitude pruning of single weights, all at once."""

    schedule: Literal["one_shot"]
    at: Share = Field(default=0.5, description="Share of the training after which it comes.")


class RoundsSpec(SparsitySpec):
    """What all schedules of few rounds have in common: each prunes the same share of what the one before has left."""

    begin: Share = Field(default=0.1, description="Share of the training at which the first round ends.")
    end: Share = Field(default=0.7, description="Share of the training at which the last round ends.")
    rounds: Count = Field(default=5, description="Rounds of training and pruning.")

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> RoundsSpec:
        _in_order(self.begin, self.end)
        return self


class MagnitudeSpec(RoundsSpec):
    """Iterative magnitude pruning of single weights (Han et al. 2015)."""

    schedule: Literal["magnitude"]


class LotteryTicketSpec(RoundsSpec):
    """Iterative magnitude pruning that rewinds the kept weights after each round (Frankle et al. 2019, 2020)."""

    schedule: Literal["lottery_ticket"]
    rewind_to: Share = Field(default=0.02, description="Share of the training whose weights are rewound to.")


class NOfMSpec(Spec):
    """N of every M consecutive input channels stay, at once (Mishra et al. 2021)."""

    schedule: Literal["n_of_m"]
    n: Count = Field(default=2, description="Weights that stay of each group.")
    m: Count = Field(default=4, description="Weights of a group.")
    at: Share = Field(default=0.5, description="Share of the training after which it comes.")
    dense: tuple[str, ...] = Field(default=(), description="Layers that are left alone.")
    unit: CoarseUnitSpec = CoarseUnitSpec()

    @model_validator(mode="after")
    def _is_a_part(self) -> NOfMSpec:
        if self.n > self.m:
            raise ValueError(f"n must be at most m, got {self.n} of {self.m}")
        return self


class RiglSpec(SparsitySpec):
    """Sparse from the first update on; small weights make way for ones of large gradient (RigL, Evci et al. 2020)."""

    schedule: Literal["rigl"]
    end: Share = Field(default=0.75, description="Share of the training after which the mask stays.")
    period: Count = Field(default=10, description="Iterations from one exchange to the next.")
    drop: Share = Field(default=0.3, description="Share of the kept weights that the first exchange exchanges.")


class CoarseSpec(GradualSpec):
    """What the two forms of coarse-fine pruning have in common."""

    coarse_share: Share = Field(default=0.6, description="Share of the zeros that coarse pruning makes.")
    criterion: Literal["similarity", "magnitude"] = Field(
        default="similarity",
        description="similarity: units that are small or repeat another channel's; magnitude: small ones.",
    )


class CoarseFineSpec(CoarseSpec):
    """Coarse-fine pruning that compares all output channels with each other in every event."""

    schedule: Literal["cfp"]


class StochasticCoarseFineSpec(CoarseSpec):
    """Coarse-fine pruning that compares a random sample of the output channels in each event."""

    schedule: Literal["scfp"]
    sample: float = Field(
        default=0.05,
        gt=0.0,
        le=1.0,
        description="Share of a layer's output channels in a sample; rounded to whole coarse units, at least one.",
    )


FAMILY = "schedule"
"""The family of the registry that schedules belong to."""

PruningSpec = Annotated[Spec, Registered(FAMILY, key="schedule")]
"""The description of any registered schedule, told apart by its `schedule:`."""


class ActivationSpec(Spec):
    """The inputs of MAC layers are pruned tile by tile (as in TSUNAMI, 2022), beside a schedule of the weights."""

    schedule: Literal["activation"]
    share: Share = Field(default=0.5, description="Share of the values of a tile that become zero.")
    tile: Count = Field(default=16, description="Consecutive input channels of one position.")
    begin: Share = Field(default=0.1, description="Share of the training after which it begins.")
    weights: PruningSpec = Field(default=NoPruningSpec(), description="How the weights are pruned.")
