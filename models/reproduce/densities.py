"""Densities: points of a surface of sparsities."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cosim.scenario import Spec

__all__ = ["Density", "Share", "SurfacePoint"]

Density = Annotated[float, Field(ge=0.001, le=1.0)]
"""A share of non-zero operands; a thousandth is less than any network has."""
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class SurfacePoint(Spec):
    """A point of the surface."""

    input: Density = Field(description="density of inputs and gradients")
    weight: Density = Field(description="density of weights")
    coarse: Share = Field(0.0, description="share of the zero weights in coarse units")
