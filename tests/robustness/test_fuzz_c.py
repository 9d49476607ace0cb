"""Every exported function of the C library, called with nonsense: a status comes back, never a crash.

Arguments follow the library's conventions: a pointer `x` followed by `x_count` (or `count` and the like) is a buffer of
that many elements, and is given exactly that many, from the heap, so that the sanitizers see one element too many.
Numbers are small, negative or as large as their type. `make sanitize` runs these tests, too.
"""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cosim.clib import ffi, lib

pytestmark = pytest.mark.c_library

CSRC = Path(__file__).parents[2] / "csrc"
STATUSES = {lib.CS_OK, lib.CS_FULL, lib.CS_EINVAL, lib.CS_EBUFFER, lib.CS_ESTATE}
FUNCTIONS = sorted(name for name in dir(lib) if name.startswith("cs_"))
ROOM = 4096
"""Elements of a buffer whose length is a product of small numbers, or is not passed on."""
INTEGERS = {
    "int32_t": st.one_of(st.integers(-2, 9), st.sampled_from([64, 2**31 - 1, -(2**31)])),
    "int64_t": st.one_of(st.integers(-2, 9), st.sampled_from([64, 2**40, 2**63 - 1, -(2**63)])),
    "uint64_t": st.integers(0, 2**64 - 1),
    "size_t": st.integers(0, 6),
    "float": st.floats(width=32),
    "double": st.floats(),
}


def names_of_arguments():
    """{function: names of its arguments}, from the headers."""
    found = {}
    for header in CSRC.glob("*.h"):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)
        for name, arguments in re.findall(r"^int32_t (cs_\w+)\(([^)]*)\);", text, re.MULTILINE):
            found[name] = [re.split(r"[\s*]+", argument.strip())[-1] for argument in arguments.split(",")]
    return found


ARGUMENTS = names_of_arguments()


def test_every_function_is_known_by_its_header():
    assert sorted(name for name in ARGUMENTS if hasattr(lib, name)) == FUNCTIONS
    assert len(FUNCTIONS) > 70
    for name in FUNCTIONS:
        assert ffi.typeof(getattr(lib, name)).result.cname == "int32_t", name


def draw_scalar(draw, ctype):
    return draw(INTEGERS[ctype.cname])


def fill(draw, struct, ctype, keep, *, bounded=False):
    """Draw a struct's numbers; its pointers are null, or buffers of ROOM elements.

    `bounded`: no large numbers, because they are lengths of arrays beside the struct.
    """

    def number(ctype):
        drawn = draw_scalar(draw, ctype)
        return 3 if bounded and drawn > 64 else drawn

    for name, field in ctype.fields or []:
        kind = field.type.kind
        if kind == "primitive":
            wide = field.type.cname == "size_t"
            setattr(struct, name, draw(st.integers(0, 64)) if wide else number(field.type))
        elif kind == "struct":
            fill(draw, getattr(struct, name), field.type, keep, bounded=bounded)
        elif kind == "array":
            for i in range(min(field.type.length, 4)):
                if field.type.item.kind == "struct":
                    fill(draw, getattr(struct, name)[i], field.type.item, keep, bounded=bounded)
                else:
                    getattr(struct, name)[i] = number(field.type.item)
        elif kind == "pointer" and draw(st.booleans()):
            setattr(struct, name, draw_buffer(draw, field.type, ROOM, keep, plain=True))


def draw_structs(draw, ctype, keep, *, several):
    """One struct, or so many that they are the arrays of a configuration."""
    structs = ffi.new(ffi.getctype(ctype, "[]"), 80 if several else 1)
    for at in range(3 if several else 1):
        fill(draw, structs[at], ctype, keep, bounded=several)
    keep.append(structs)
    return structs


def draw_buffer(draw, ctype, length, keep, *, plain=False):
    """A heap buffer of exactly `length` elements, of zeros or of small or of arbitrary bytes."""
    item = ctype.item
    if item.kind == "pointer":  # the parts of a fabric: buffers that are no states
        inner = [draw_buffer(draw, ffi.typeof("uint64_t *"), ROOM, keep) for _ in range(8)]
        pointers = ffi.new("void *[]", [ffi.cast("void *", part) for part in inner])
        keep.append(pointers)
        return ffi.cast(ctype, pointers)
    if item.kind == "struct" and not plain and length:
        structs = ffi.new(ffi.getctype(item, "[]"), length)
        for i in range(length):
            if i < 3:
                fill(draw, structs[i], item, keep, bounded=True)
        keep.append(structs)
        return structs
    size = 1 if item.kind == "void" else ffi.sizeof(item)
    filling = draw(st.sampled_from(["zeros", "small", "any"])) if item.kind != "struct" else "zeros"
    memory = ffi.new("char[]", max(1, length * size))
    if filling != "zeros":
        pattern = draw(st.binary(min_size=8, max_size=8))
        if filling == "small":
            pattern = bytes(byte % 3 if at % max(size, 1) == 0 else 0 for at, byte in enumerate(pattern))
        ffi.memmove(memory, (pattern * (length * size // 8 + 1))[: length * size], length * size)
    keep.append(memory)
    return ffi.cast(ctype, memory)


def names_length(names, at):
    """Whether the argument behind a pointer is its number of elements: `x, x_count`, or `x, count` and the like."""
    following = names[at + 1] if at + 1 < len(names) else ""
    return following.startswith(f"{names[at]}_") or following in ("count", "capacity", "bytes")


@st.composite
def calls(draw, name):
    """(arguments, what must be kept alive while the call lasts)."""
    arguments, keep = [], []
    types, names = ffi.typeof(getattr(lib, name)).args, ARGUMENTS[name]
    several = sum(ctype.kind == "pointer" and ctype.item.kind == "struct" for ctype in types) > 1
    sizes = {
        at: draw(
            st.sampled_from([0, 0, 1, 2, 5, 8, 64, 200])
            if at and types[at - 1].kind == "pointer"
            else INTEGERS["size_t"]
        )
        for at, ctype in enumerate(types)
        if ctype.cname == "size_t"
    }
    for at, ctype in enumerate(types):
        if ctype.kind == "pointer":
            exact = sizes.get(at + 1) if names_length(names, at) else None
            if draw(st.integers(0, 9)) == 0 and not (exact and names[at] in ("state", "record")):
                arguments.append(ffi.NULL)
            elif ctype.item.kind == "struct" and exact is None:
                arguments.append(draw_structs(draw, ctype.item, keep, several=several))
            else:
                arguments.append(draw_buffer(draw, ctype, ROOM if exact is None else exact, keep))
        elif at in sizes:
            arguments.append(sizes[at])
        else:
            arguments.append(draw_scalar(draw, ctype))
    return arguments, keep


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_nonsense_gets_a_status(name, data):
    arguments, keep = data.draw(calls(name))
    assert getattr(lib, name)(*arguments) in STATUSES
    assert keep is not None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_null_pointer_gets_a_status(name):
    """One pointer null at a time, all others valid buffers of zeros."""
    types = ffi.typeof(getattr(lib, name)).args
    pointers = [at for at, ctype in enumerate(types) if ctype.kind == "pointer"]
    for absent in pointers:
        keep = [ffi.new("char[]", 1 << 16) for _ in types]
        arguments = [
            (ffi.NULL if at == absent else ffi.cast(ctype, keep[at])) if ctype.kind == "pointer" else 1
            for at, ctype in enumerate(types)
        ]
        assert getattr(lib, name)(*arguments) in STATUSES - {lib.CS_FULL}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_misaligned_pointer_gets_a_status(name):
    """One pointer in the midst of a word at a time, all others valid buffers of zeros; what was fine is refused."""
    types = ffi.typeof(getattr(lib, name)).args
    keep = [ffi.new("char[]", 1 << 16) for _ in types]
    valid = [ffi.cast(ctype, keep[at]) if ctype.kind == "pointer" else 1 for at, ctype in enumerate(types)]
    was_fine = getattr(lib, name)(*valid) == lib.CS_OK
    for at, ctype in enumerate(types):
        if ctype.kind != "pointer" or ctype.item.kind == "void" or ffi.alignof(ctype.item) == 1:
            continue
        arguments = list(valid)
        arguments[at] = ffi.cast(ctype, int(ffi.cast("uintptr_t", keep[at])) + 1)
        found = getattr(lib, name)(*arguments)
        assert found == lib.CS_EBUFFER or (not was_fine and found in {lib.CS_EINVAL, lib.CS_ESTATE}), at


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_pointer_of_another_type_never_reaches_the_library(name):
    types = ffi.typeof(getattr(lib, name)).args
    for at, ctype in enumerate(types):
        if ctype.kind != "pointer" or ctype.item.kind == "void":
            continue
        wrong = ffi.new("int16_t *")
        arguments = [ffi.NULL if other.kind == "pointer" else 0 for other in types]
        arguments[at] = wrong
        with pytest.raises(TypeError):
            getattr(lib, name)(*arguments)
