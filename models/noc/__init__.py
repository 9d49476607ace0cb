"""Network on chip: a mesh of BookSim-exact routers, replayed, swept, or serving SimPy processes.

`Noc` is the SimPy module, `NocEngine` what stands behind it; `replay` runs a whole packet file, `sweep` measures
latency over load; `NocEnergy` says what the flits cost.
"""

from .energy import NocEnergy
from .engine import Delivery, NocEngine
from .mesh import MeshConfig
from .module import Noc
from .multicast import column_paths
from .packets import PacketFileError, Packets, read_packets, write_packets
from .replay import Replay, replay
from .state import NetworkCounts, NetworkState
from .sweep import LoadPoint, Sweep, sweep

__all__ = [
    "Delivery",
    "LoadPoint",
    "MeshConfig",
    "NetworkCounts",
    "NetworkState",
    "Noc",
    "NocEnergy",
    "NocEngine",
    "PacketFileError",
    "Packets",
    "Replay",
    "Sweep",
    "column_paths",
    "read_packets",
    "replay",
    "sweep",
    "write_packets",
]
