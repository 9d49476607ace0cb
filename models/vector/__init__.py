"""The vector unit and the aggregation core: work by the element."""

from .cost import aggregation_work, vector_work

__all__ = ["aggregation_work", "vector_work"]
