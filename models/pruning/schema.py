"""The part of a scenario file that describes a pruning schedule (pydantic models)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cosim.scenario import Spec

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


class GradualSpec(Spec):
    """What all schedules that prune have in common: how much, when, where."""

    sparsity: Share = Field(description="Share of zeros among the weights of the whole network, in the end.")
    begin: Share = Field(default=0.1, description="Share of the training after which the first event comes.")
    end: Share = Field(default=0.7, description="Share of the training at which the sparsity is reached.")
    period: Count = Field(default=1, description="Iterations from one event to the next.")
    layers: dict[str, Share] = Field(
        default={}, description="Layers with a final sparsity of their own; the others make up for them, all alike."
    )
    unit: CoarseUnitSpec = CoarseUnitSpec()

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> GradualSpec:
        if self.begin >= self.end:
            raise ValueError(f"begin must be before end, got {self.begin} and {self.end}")
        return self


class MagnitudeSpec(GradualSpec):
    """Gradual magnitude pruning of single weights."""

    schedule: Literal["magnitude"]


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


PruningSpec = Annotated[
    NoPruningSpec | MagnitudeSpec | CoarseFineSpec | StochasticCoarseFineSpec, Field(discriminator="schedule")
]
