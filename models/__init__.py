"""The hardware and the workloads, installed as `cosim.models`.

From the leaves upward (imports go this way only): `tensors` (shapes, stages, zero masks), `numerics`, `energy`;
`sram`, `noc`, `dram`, then `fabric`, which links them; `dma`, `core`, `vector`, `pruning_unit`, the units that
work; `workload` and `pruning`, which know no hardware; `chip`, which knows all.
"""
