"""Build description of the C library `cosim._kernels` (cffi, API mode, abi3).

Every `csrc/*.h` marks what Python may see between `/* cffi: begin */` and `/* cffi: end */`; every
`csrc/*.c` beside it is compiled in. So a new C part is two files and no line here.

`source_hash()` goes into the library as a constant; the package compares it with the sources beside it
and refuses a stale build.
"""

import hashlib
import os
import re
import sys
from pathlib import Path

from cffi import FFI

CSRC = Path(__file__).resolve().parent
ROOT = CSRC.parent
_VISIBLE = re.compile(r"/\* cffi: begin \*/(.*?)/\* cffi: end \*/", re.DOTALL)


def source_hash(directory: Path = CSRC) -> str:
    """SHA-256 over names and contents of all C sources and headers, in name order."""
    digest = hashlib.sha256()
    for path in sorted([*directory.glob("*.c"), *directory.glob("*.h")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _headers() -> list[Path]:
    """cs_common.h first: the others use its types."""
    return sorted(CSRC.glob("*.h"), key=lambda path: (path.name != "cs_common.h", path.name))


def declarations() -> str:
    """What the headers show to cffi."""
    return "\n".join(block for header in _headers() for block in _VISIBLE.findall(header.read_text()))


def _flags() -> list[str]:
    # -ffp-contract=off: a fused multiply-add would make results depend on the processor.
    flags = ["-std=c11", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fvisibility=hidden"]
    return flags + os.environ.get("COSIM_CFLAGS", "").split()


ffibuilder = FFI()
ffibuilder.cdef(declarations() + "\nstatic char *const CS_SOURCE_HASH;\n")
ffibuilder.set_source(
    "cosim._kernels",
    "\n".join(f'#include "{header.name}"' for header in _headers())
    + f'\nstatic char *const CS_SOURCE_HASH = "{source_hash()}";\n',
    sources=[os.path.relpath(path, ROOT) for path in sorted(CSRC.glob("*.c"))],
    include_dirs=[os.path.relpath(CSRC, ROOT)],
    depends=[os.path.relpath(path, ROOT) for path in sorted(CSRC.glob("*.h"))],
    extra_compile_args=_flags(),
    extra_link_args=os.environ.get("COSIM_LDFLAGS", "").split(),
    libraries=["m"],
    py_limited_api=True,
)

if __name__ == "__main__":  # python csrc/build_kernels.py FILE.c: only the glue code (tools/sanitize.sh compiles it)
    ffibuilder.emit_c_code(sys.argv[1])
