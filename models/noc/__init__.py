"""Network on chip: a mesh of BookSim-exact routers, replayed, swept, or serving SimPy processes."""

from .mesh import MeshConfig
from .state import NetworkCounts, NetworkState

__all__ = ["MeshConfig", "NetworkCounts", "NetworkState"]
