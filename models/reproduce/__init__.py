"""Published numbers, reproduced in the open: what is assumed, what is calibrated, what comes out, and what does not.

`record` is the record of assumptions that was fixed before any sparse point was run.
"""

from .record import AssumedValue, AssumptionRecord, load_record

__all__ = ["AssumedValue", "AssumptionRecord", "load_record"]
