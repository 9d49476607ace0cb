"""DMA: tasks become descriptors on the fabric."""

from .channel import TransferUnit, TransferWork

__all__ = ["TransferUnit", "TransferWork"]
