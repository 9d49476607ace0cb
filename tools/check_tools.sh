# usage: check_tools.sh PYTHON CC: one clear line for what is missing, exit 2.
python=$1 cc=$2
fail() { echo "cosim: $1" >&2; exit 2; }

command -v "$python" >/dev/null 2>&1 || fail "needs Python 3.11 or newer; '$python' is not there (set PYTHON=...)"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "needs Python 3.11 or newer; '$python' is $("$python" -V 2>&1) (set PYTHON=...)"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "'$python' cannot make virtual environments: install its venv package (Debian: python3-venv)"
command -v "${cc%% *}" >/dev/null 2>&1 || fail "needs a C compiler; '$cc' is not there (set CC=...)"
include=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')
[ -f "$include/Python.h" ] || fail "'$python' has no C headers ($include/Python.h): install them (Debian: python3-dev)"
