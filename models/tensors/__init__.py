"""What the workload delivers and the core walks: layer shapes, training stages, packed zero masks. A leaf."""

from .bits import BitTensor
from .shape import ConvShape, Stage

__all__ = ["BitTensor", "ConvShape", "Stage"]
