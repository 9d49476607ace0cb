"""What is recorded of a run: stall accounts, counters, timelines. Recording never changes a result."""

from .account import BUSY, IDLE, Account
from .counters import Counters
from .timeline import Timeline
from .vcd import VcdTrace

__all__ = ["BUSY", "IDLE", "Account", "Counters", "Timeline", "VcdTrace"]
