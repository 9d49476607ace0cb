"""cosim: an event-driven, SystemC-style co-simulator of sparse DNN-training chips.

What lives here is the framework and knows no hardware: the simulation kernel, TLM, tracing, scenario files,
reports and the command line. The hardware and the workloads are in `cosim.models`.
"""

from ._install import check_installation

__version__ = "0.1.0"

check_installation(__version__)
