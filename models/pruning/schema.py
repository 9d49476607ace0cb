"""The part of a scenario file that describes a pruning schedule (pydantic models)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1, strict=True)]


class Spec(BaseModel):
    """Unknown keys are errors, and a parsed description does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CoarseUnitSpec(Spec):
    """The tile of weights of one filter position that is pruned, skipped and measured as one."""

    channels_out: Count = Field(default=4, description="b_k: consecutive output channels.")
    channels_in: Count = Field(default=4, description="b_c: consecutive input channels.")


class NoPruningSpec(Spec):
    """Dense training."""

    schedule: Literal["none"] = "none"
    unit: CoarseUnitSpec = CoarseUnitSpec()


PruningSpec = NoPruningSpec
