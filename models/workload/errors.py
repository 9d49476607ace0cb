"""What is wrong with the description of a workload, and in which part of it."""

from __future__ import annotations


class WorkloadError(ValueError):
    """A workload cannot be as described; `args` are (text, path below the workload's description)."""

    exit_code = 2

    def __init__(self, text: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(text, path)
        self.path = path

    def __str__(self) -> str:
        return str(self.args[0])


class NetworkError(WorkloadError):
    """A network description that makes no network, or none for its data; the text names the layer."""


class DataError(WorkloadError):
    """A data set that cannot be read, or has too little in it."""
