"""DMA engines: tasks become descriptors on the fabric."""
