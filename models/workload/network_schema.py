"""The part of a scenario file that describes a network (pydantic models). `network.py` makes networks of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cosim.scenario import Spec

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
Size = Annotated[int, Field(ge=1, le=1 << 16, strict=True)]
Channels = Annotated[int, Field(ge=1, le=1 << 24, strict=True)]
Pad = Annotated[int, Field(ge=0, le=1 << 16, strict=True)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class LayerSpec(Spec):
    """What all layers have: a name (given, or kind and number) and the layer they take their input from."""

    name: Name | None = Field(
        default=None, description="Name of the layer; without one, its kind and number, as in relu2."
    )
    input: Name | None = Field(default=None, description="Layer whose output it reads; without it, the layer before.")


class ConvSpec(LayerSpec):
    """2-D convolution."""

    kind: Literal["conv"]
    channels: Channels = Field(description="Output channels.")
    kernel: Size = Field(description="Rows and columns of the filter.")
    kernel_width: Size | None = Field(default=None, description="Columns of the filter; without it, as many as rows.")
    stride: Size = 1
    pad: Pad = Field(default=0, description="Zeros around the input, on each side.")
    groups: Channels = 1
    bias: bool = Field(True, description="Whether a bias is added; leave it out in front of batch_norm.")


class LinearSpec(LayerSpec):
    """Fully connected layer over the whole flattened input."""

    kind: Literal["linear"]
    channels: Channels = Field(description="Outputs.")
    bias: bool = True


class BatchNormSpec(LayerSpec):
    """Batch normalisation by channel, with scale and shift."""

    kind: Literal["batch_norm"]
    epsilon: float = Field(default=1e-5, gt=0.0)
    momentum: Share = Field(default=0.9, description="Share of the old running statistics kept in each iteration.")


class LayerNormSpec(LayerSpec):
    """Layer normalisation: over the channels of each position, with scale and shift (Ba, Kiros and Hinton, 2016)."""

    kind: Literal["layer_norm"]
    epsilon: float = Field(default=1e-5, gt=0.0)


class ReluSpec(LayerSpec):
    """max(x, 0), or with a limit min(max(x, 0), limit): ReLU6 has 6."""

    kind: Literal["relu"]
    limit: float | None = Field(default=None, gt=0.0, description="The largest output; without it, there is none.")


class GeluSpec(LayerSpec):
    """x * Phi(x), in the form with tanh (Hendrycks and Gimpel, arXiv 1606.08415)."""

    kind: Literal["gelu"]


class PoolSpec(LayerSpec):
    """Maximum or mean over windows."""

    kind: Literal["max_pool", "mean_pool"]
    size: Size = Field(description="Rows and columns of the window.")
    stride: Size | None = Field(default=None, description="Without it, the size: windows do not overlap.")
    pad: Pad = 0


class GlobalPoolSpec(LayerSpec):
    """The mean of each channel over the whole image."""

    kind: Literal["global_mean_pool"]


class FlattenSpec(LayerSpec):
    """All of an image as the channels of one position, in the order (row, column, channel). Moves nothing."""

    kind: Literal["flatten"]


class PositionSpec(LayerSpec):
    """Adds a trainable value to each position and channel, the same for all images: a position embedding."""

    kind: Literal["position"]


class AddSpec(LayerSpec):
    """Residual addition of two layers' outputs."""

    kind: Literal["add"]
    other: Name = Field(description="The layer whose output is added to the input.")


class AttentionSpec(LayerSpec):
    """Multi-head scaled dot-product attention, softmax(Q K^T / sqrt(d)) V, over the positions of an image.

    `input` gives Q. Every position is a token; the channels are divided among the heads. The projections around it
    are layers of their own: convolutions with `kernel: 1`. (Vaswani et al., NeurIPS 2017, section 3.2.)
    """

    kind: Literal["attention"]
    heads: Channels
    key: Name = Field(description="The layer that gives K, of Q's shape.")
    value: Name = Field(description="The layer that gives V, of Q's shape.")


AnyLayer = Annotated[
    ConvSpec
    | LinearSpec
    | BatchNormSpec
    | LayerNormSpec
    | ReluSpec
    | GeluSpec
    | PoolSpec
    | GlobalPoolSpec
    | FlattenSpec
    | PositionSpec
    | AddSpec
    | AttentionSpec,
    Field(discriminator="kind"),
]


class InputSpec(Spec):
    """Size of one input image."""

    height: Size
    width: Size
    channels: Channels


class NetworkSpec(Spec):
    """Layers in order, each reading the one before it or those that it names; with the loss, a classifier."""

    name: Name
    input: InputSpec
    layers: tuple[AnyLayer, ...] = Field(min_length=1)
    loss: Literal["softmax_cross_entropy", "none"] = Field(
        default="softmax_cross_entropy",
        description="What follows the last layer, whose outputs are the classes; none: a part of a larger network, the "
        "gradient of its output comes from outside.",
    )
