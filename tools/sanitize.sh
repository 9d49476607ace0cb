# usage: sanitize.sh PYTHON CC: builds the C library with AddressSanitizer and UBSan and runs the C tests on it.
set -eu
python=$1 cc=$2
out=build/sanitize
mkdir -p "$out"
library=$PWD/$out/_kernels.abi3.so # absolute: tests start programs elsewhere
include=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')
"$python" csrc/build_kernels.py "$out/_kernels.c"
$cc -std=c11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
    -ffp-contract=off -fno-math-errno -DPy_LIMITED_API=0x030b0000 -shared -fPIC -I"$include" -Icsrc \
    -o "$library" "$out/_kernels.c" csrc/*.c -lm

# The interpreter is not instrumented, so the runtime comes in first; it and numpy "leak" by design.
LD_PRELOAD=$($cc -print-file-name=libasan.so):$($cc -print-file-name=libubsan.so) \
ASAN_OPTIONS=detect_leaks=0 COSIM_KERNELS=$library \
    "$python" -m pytest -n auto --maxprocesses 8 --dist worksteal -p no:cacheprovider -m "c_library and not slow"
