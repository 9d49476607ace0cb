"""The run folder: complete exactly when it holds `summary.json`.

A run is written into `.partial/` inside its folder and moved out when it has ended, the summary last. What is
interrupted before leaves the folder as it was, but for a checkpoint that it may have put there.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["CHECKPOINT", "MANIFEST", "SUMMARY", "RunFolder", "RunFolderError"]

CHECKPOINT = "checkpoint.npz"
MANIFEST = "manifest.json"
SUMMARY = "summary.json"
_PARTIAL = ".partial"


class RunFolderError(Exception):
    """The folder cannot take this run; the message says what to do."""

    exit_code = 2


class RunFolder:
    """A folder being filled: `with RunFolder(path, identity) as folder: ... folder.commit()`.

    `identity` says what the run is of: a folder that holds a complete run of something else is refused with
    RunFolderError unless `force`, one of the same is replaced. One that holds a checkpoint is refused unless `resume`
    or `force`. Without `commit()` nothing is left behind.
    """

    def __init__(self, path: Path, identity: str, *, force: bool = False, resume: bool = False) -> None:
        self.path = path.absolute()
        self.resume = resume
        self.identity = identity
        self.force = force
        self.partial = self.path / _PARTIAL
        self._created: list[Path] = []
        self._lock = -1

    def __enter__(self) -> Self:
        self.check()
        try:
            for directory in [*reversed(self.path.parents), self.path]:
                if not directory.exists():
                    directory.mkdir()
                    self._created.append(directory)
            self.partial.mkdir(exist_ok=True)
            self._lock = os.open(self.partial, os.O_RDONLY)
        except OSError as error:
            self._remove_created()
            raise RunFolderError(f"{error.filename or self.path}: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise RunFolderError(f"{self.path}: another run is writing here; choose another --out") from None
        # Another run may have ended between the first look and the lock, and taken the locked folder with it.
        if not self.partial.exists() or not os.path.samestat(self.partial.stat(), os.fstat(self._lock)):
            os.close(self._lock)
            raise RunFolderError(f"{self.path}: another run has just ended here; start again")
        try:
            self.check()
        except RunFolderError:
            self._close()
            raise
        for leftover in self.partial.iterdir():  # of a run that was killed
            leftover.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        shutil.rmtree(self.partial, ignore_errors=True)
        os.close(self._lock)
        self._remove_created()

    def _remove_created(self) -> None:
        for directory in reversed(self._created):
            if directory.exists() and not any(directory.iterdir()):
                directory.rmdir()

    def check(self) -> None:
        """Raise RunFolderError unless this run may go here."""
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise RunFolderError(f"{self.path}: not a folder; choose another --out")
        names = {entry.name for entry in self.path.iterdir()} - {_PARTIAL}
        manifest = self.manifest()
        if names - {CHECKPOINT} and manifest is None:
            raise RunFolderError(f"{self.path}: not empty, and not a run; choose another --out")
        if SUMMARY in names and manifest is not None and manifest.get("identity") != self.identity and not self.force:
            what = f"scenario '{manifest.get('name')}', seed {manifest.get('seed')}"
            raise RunFolderError(
                f"{self.path}: holds the complete run of something else ({what}); choose another --out, or --force"
            )
        if CHECKPOINT in names and not (self.resume or self.force):
            raise RunFolderError(
                f"{self.path}: holds an unfinished run; go on with --resume, start again with --force, or choose "
                "another --out"
            )

    @property
    def complete(self) -> bool:
        """Whether it holds the complete run of this identity."""
        manifest = self.manifest()
        return (self.path / SUMMARY).is_file() and manifest is not None and manifest.get("identity") == self.identity

    def manifest(self) -> dict[str, Any] | None:
        """The manifest that lies in the folder, or None."""
        try:
            manifest = json.loads((self.path / MANIFEST).read_bytes())
        except (OSError, ValueError):
            return None
        return manifest if isinstance(manifest, dict) else None

    def write(self, name: str, content: bytes) -> None:
        """Write one file of the run."""
        (self.partial / name).write_bytes(content)

    def commit(self) -> None:
        """Make the run appear: an older one of the same identity goes, the files come, `summary.json` last; then the
        checkpoint goes."""
        (self.path / SUMMARY).unlink(missing_ok=True)
        for name in (self.manifest() or {}).get("files", []):
            if isinstance(name, str) and Path(name).name == name:
                (self.path / name).unlink(missing_ok=True)
        new = sorted(entry.name for entry in self.partial.iterdir())
        for name in sorted(new, key=lambda name: (name == SUMMARY, name != MANIFEST)):
            _sync(self.partial / name)
            os.replace(self.partial / name, self.path / name)
        (self.path / CHECKPOINT).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Contents reach the disk before the name does."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
