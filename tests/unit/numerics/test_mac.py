"""The multiply-accumulates against the obvious twin, bit for bit, and the rule that zeros change nothing."""

import os
import re
import subprocess
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from cffi import FFI
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import mac as twin

from cosim.clib import ffi, lib
from cosim.isa import available
from cosim.models.numerics import Accumulate, Format, decode, mac_bp, mac_ff, mac_wg, round_to
from cosim.models.tensors import ConvShape

pytestmark = pytest.mark.c_library


@st.composite
def shapes(draw):
    size = st.integers(1, 5)
    r, s = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    pad, stride, groups = draw(st.integers(0, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return ConvShape(
        n=draw(st.integers(1, 2)),
        c=draw(st.sampled_from([1, 2, 5])) * groups,
        h=draw(size) + max(0, r - 1),
        w=draw(size) + max(0, s - 1),
        k=draw(st.sampled_from([1, 3, 17])) * groups,
        r=r,
        s=s,
        stride=stride,
        pad=pad,
        groups=groups,
    )


def operands(shape, seed, density=0.5, fmt=Format.FP8_E4M3):
    """X, W and dY with zeros of both signs."""
    rng = np.random.default_rng(seed)
    result = []
    for size in (shape.x_shape, shape.w_shape, shape.y_shape):
        values = round_to(rng.standard_normal(size).astype(np.float32), fmt)
        result.append(np.where(rng.random(size) < density, values, np.copysign(np.float32(0), values)))
    return result


def same_bytes(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@given(shapes(), st.integers(0, 2**32), st.sampled_from([0.0, 0.3, 1.0]), st.sampled_from(list(Format)))
def test_equals_the_twin(shape, seed, density, fmt):
    x, w, dy = operands(shape, seed, density, fmt)
    assert same_bytes(mac_ff(shape, x, w), twin.ff(shape, x, w))
    assert same_bytes(mac_bp(shape, dy, w), twin.bp(shape, dy, w))
    assert same_bytes(mac_wg(shape, x, dy), twin.wg(shape, x, dy))


REFERENCE = {
    Format.FP8_E4M3: ml_dtypes.float8_e4m3fn,
    Format.FP8_E5M2: ml_dtypes.float8_e5m2,
    Format.FP16: np.float16,
    Format.BF16: ml_dtypes.bfloat16,
    Format.FP32: np.float32,
    Format.INT8: np.int8,
}
ALLOWED = [(fmt, accumulate) for fmt in Format for accumulate in Accumulate if accumulate.takes(fmt)]


def random_codes(rng, fmt, size, density):
    """Any finite number of the format, as ml_dtypes reads the bits, and as we do."""
    codes = rng.integers(0, 2**fmt.bits, size, dtype=np.uint64).astype(fmt.code_dtype)
    codes[rng.random(size) >= density] = 0
    with np.errstate(invalid="ignore"):
        values = codes.view(REFERENCE[fmt]).astype(np.float32)
    codes[~np.isfinite(values)] = 0
    return np.where(np.isfinite(values), values, np.float32(0)), decode(codes, fmt)


@pytest.mark.parametrize(("fmt", "accumulate"), ALLOWED)
@settings(max_examples=8)
@given(shapes(), st.integers(0, 2**32), st.sampled_from([0.2, 0.6, 1.0]))
def test_every_format_and_way_to_accumulate_equals_a_reference_of_ml_dtypes(fmt, accumulate, shape, seed, density):
    rng, sums = np.random.default_rng(seed), twin.ACCUMULATE[accumulate]
    sizes = (shape.x_shape, shape.w_shape, shape.y_shape)
    (x, our_x), (w, our_w), (dy, our_dy) = (random_codes(rng, fmt, size, density) for size in sizes)
    with np.errstate(over="ignore", invalid="ignore"):
        expected = twin.ff(shape, x, w, sums), twin.bp(shape, dy, w, sums), twin.wg(shape, x, dy, sums)
    for level in available():
        found = (
            mac_ff(shape, our_x, our_w, accumulate, level=level),
            mac_bp(shape, our_dy, our_w, accumulate, level=level),
            mac_wg(shape, our_x, our_dy, accumulate, level=level),
        )
        for a, b in zip(found, expected, strict=True):
            # Infinities of both signs meet only in FP32's range; which NaN that is, the processor says.
            assert np.array_equal(np.isnan(a), np.isnan(b))
            assert same_bytes(np.where(np.isnan(a), np.float32(0), a), np.where(np.isnan(b), np.float32(0), b))


def one_output(accumulate, *terms):
    """The sum of a * b over the terms, in their order."""
    shape = ConvShape(n=1, c=len(terms), h=1, w=1, k=1, r=1, s=1)
    x, w = (np.array(side, dtype=np.float32) for side in zip(*terms, strict=True))
    return mac_ff(shape, x.reshape(shape.x_shape), w.reshape(shape.w_shape), accumulate).item()


def test_fp16_sums_round_after_each_product_and_saturate():
    assert one_output(Accumulate.FP16, (2048.0, 1.0), (1.0, 1.0), (1.0, 1.0)) == 2048.0  # ties to even, twice
    assert one_output(Accumulate.FP16, (1.0, 1.0), (1.0, 1.0), (2048.0, 1.0)) == 2050.0
    assert one_output(Accumulate.FP16, (65504.0, 1.0), (16.0, 1.0), (-4.0, 8.0)) == 65472.0
    assert one_output(Accumulate.FP16, (-65504.0, 2.0)) == -65504.0
    assert one_output(Accumulate.FP16, (-(2.0**-13), 2.0**-13)) == 0.0
    assert not np.signbit(one_output(Accumulate.FP16, (-(2.0**-13), 2.0**-13)))
    assert one_output(Accumulate.FP16, (2.0**-14, 2.0**-10)) == 2.0**-24  # the smallest
    assert one_output(Accumulate.FP16, (2.0**-14, 2.0**-11)) == 0.0  # half of it: to even


def test_int32_sums_are_exact_and_wrap():
    assert one_output(Accumulate.INT32, (-128.0, -128.0), (127.0, -127.0)) == 16384 - 16129
    many = [(-128.0, -128.0)] * 2**17  # 2**31
    assert one_output(Accumulate.INT32, *many) == -(2.0**31)
    assert one_output(Accumulate.INT32, *many[1:]) == 2.0**31 - 2.0**14
    shape = ConvShape(n=1, c=1, h=1, w=1, k=1, r=1, s=1)
    one = np.ones((1, 1, 1, 1), dtype=np.float32)
    for bad in (0.5, 128.0, -129.0, np.nan):
        with pytest.raises(ValueError, match=r"^x and w must be integers of INT8$"):
            mac_ff(shape, one * np.float32(bad), one, Accumulate.INT32)
        with pytest.raises(ValueError, match=r"^x and dy must be integers of INT8$"):
            mac_wg(shape, one, one * np.float32(bad), Accumulate.INT32)


@pytest.mark.parametrize("channels", [15, 16, 17, 32, 33, 48, 49, 63, 64, 65, 80, 130])
def test_every_width_of_the_vectors_equals_the_twin(channels):
    wide_out = ConvShape(n=1, c=2, h=3, w=2, k=channels, r=2, s=1, pad=1)
    wide_in = ConvShape(n=1, c=channels, h=3, w=2, k=2, r=2, s=1, pad=1)
    for shape in (wide_out, wide_in):
        x, w, dy = operands(shape, channels)
        assert same_bytes(mac_ff(shape, x, w), twin.ff(shape, x, w))
        assert same_bytes(mac_bp(shape, dy, w), twin.bp(shape, dy, w))
        assert same_bytes(mac_wg(shape, x, dy), twin.wg(shape, x, dy))


def test_wg_gives_the_same_bytes_whichever_operand_it_takes_as_the_sparse_one():
    shape = ConvShape(n=2, c=20, h=5, w=5, k=24, r=3, s=3, pad=1)
    x, _, dy = operands(shape, 1, 1.0)
    thin_x, thin_dy = x.copy(), dy.copy()
    thin_x[..., 3:] = 0
    thin_dy[..., 2:] = 0
    for a, b in ((thin_x, dy), (x, thin_dy)):
        assert same_bytes(mac_wg(shape, a, b), twin.wg(shape, a, b))


def test_the_order_is_the_documented_one():
    """A sum that depends on its order: 2^24 + 1 + ... loses the ones, 1 + ... + 2^24 keeps them."""
    shape = ConvShape(n=1, c=4, h=1, w=1, k=1, r=1, s=1)
    ones = np.ones(shape.w_shape, dtype=np.float32)
    large_first = np.array([2.0**24, 1, 1, 1], dtype=np.float32).reshape(shape.x_shape)
    assert mac_ff(shape, large_first, ones).item() == 2.0**24
    assert mac_ff(shape, large_first[..., ::-1].copy(), ones).item() == 2.0**24 + 4


def test_products_are_rounded_before_they_are_added():
    """(1 + 2^-23)^2 - (1 + 2^-22) is 0 with a rounded product, 2^-46 with a fused one."""
    shape = ConvShape(n=1, c=2, h=1, w=1, k=1, r=1, s=1)
    x = np.array([1 + 2.0**-22, 1 + 2.0**-23], dtype=np.float32).reshape(shape.x_shape)
    w = np.array([-1, 1 + 2.0**-23], dtype=np.float32).reshape(shape.w_shape)
    assert mac_ff(shape, x, w).item() == 0.0


def test_a_sum_of_zeros_of_either_sign_is_plus_zero():
    shape = ConvShape(n=1, c=3, h=1, w=1, k=2, r=1, s=1)
    x = np.array([-0.0, 0.0, 1.0], dtype=np.float32).reshape(shape.x_shape)
    w = np.array([[1, -1, -0.0], [-1, 1, 0.0]], dtype=np.float32).reshape(shape.w_shape)
    y = mac_ff(shape, x, w)
    assert y.tolist() == [[[[0.0, 0.0]]]]
    assert not np.signbit(y).any()


def test_sums_may_overflow():
    shape = ConvShape(n=1, c=2, h=1, w=1, k=1, r=1, s=1)
    large = np.full(shape.x_shape, 3e38, dtype=np.float32)
    assert mac_ff(shape, large, np.ones(shape.w_shape, dtype=np.float32)).item() == np.inf


@pytest.mark.parametrize("broken", [np.inf, -np.inf, np.nan])
def test_operands_that_are_not_finite_are_refused(broken):
    shape = ConvShape(n=1, c=2, h=2, w=2, k=3, r=1, s=1)
    x, w, dy = operands(shape, 0)
    for function, a, b, names in (
        (mac_ff, x, w, "x and w"),
        (mac_bp, dy, w, "dy and w"),
        (mac_wg, x, dy, "x and dy"),
    ):
        for which in (0, 1):
            pair = [a.copy(), b.copy()]
            pair[which].flat[-1] = broken
            with pytest.raises(ValueError, match=f"^{names} must be finite$"):
                function(shape, *pair)


def test_wrong_buffers_are_refused_by_name():
    shape = ConvShape(n=1, c=2, h=2, w=2, k=3, r=1, s=1)
    x, w, dy = operands(shape, 0)
    with pytest.raises(ValueError, match=r"^w: expected shape \(3, 1, 1, 2\), got \(2, 1, 1, 3\)$"):
        mac_ff(shape, x, w.reshape(2, 1, 1, 3))
    with pytest.raises(TypeError, match=r"^dy: expected dtype float32, got float64$"):
        mac_bp(shape, dy.astype(np.float64), w)
    with pytest.raises(ValueError, match=r"^x: must be C-contiguous$"):
        mac_wg(shape, np.asfortranarray(np.ones((2, 2, 2, 2), np.float32))[:1], dy)


def test_the_library_checks_shapes_and_lengths_itself():
    good = (1, 2, 2, 2, 3, 1, 1, 1, 0, 1)
    size = ffi.new("size_t *")
    buffers = [ffi.new("float[]", n) for n in (8, 6, 12)]
    for stage in (lib.CS_MAC_FF, lib.CS_MAC_BP, lib.CS_MAC_WG):
        assert lib.cs_mac_scratch_bytes(ffi.new("cs_mac_shape *", good), stage, size) == lib.CS_OK
        scratch = ffi.new("float[]", size[0] // 4)
        function, order, lengths = {
            lib.CS_MAC_FF: (lib.cs_mac_ff, (0, 1, 2), (8, 6, 12)),
            lib.CS_MAC_BP: (lib.cs_mac_bp, (2, 1, 0), (12, 6, 8)),
            lib.CS_MAC_WG: (lib.cs_mac_wg, (0, 2, 1), (8, 12, 6)),
        }[stage]

        def call(z, lengths, scratch_bytes, way=(0, 0), function=function, order=order, scratch=scratch):
            arguments = [v for i, length in zip(order, lengths, strict=True) for v in (buffers[i], length)]
            return function(ffi.new("cs_mac_shape *", z), *way, *arguments, scratch, scratch_bytes)

        assert call(good, lengths, size[0]) == lib.CS_OK
        assert call(good, lengths, size[0] - 1) == lib.CS_EBUFFER
        for way in ((-1, 0), (3, 0), (0, -1), (0, lib.CS_ISA_LEVELS)):
            assert call(good, lengths, size[0], way) == lib.CS_EINVAL
        for i in range(3):
            short = [length - (i == j) for j, length in enumerate(lengths)]
            assert call(good, short, size[0]) == lib.CS_EBUFFER
        for i in range(10):
            bad = list(good)
            bad[i] = -1
            assert call(bad, lengths, size[0]) == lib.CS_EINVAL
        for bad in ((1, 2, 2, 2, 3, 1, 1, 1, 0, 2), (1, 2, 2, 2, 3, 3, 1, 1, 0, 1), (2**30, 2, 2, 2, 3, 1, 1, 1, 0, 1)):
            assert call(bad, lengths, size[0]) == lib.CS_EINVAL
    assert lib.cs_mac_scratch_bytes(ffi.new("cs_mac_shape *", good), 3, size) == lib.CS_EINVAL


@pytest.mark.parametrize("options", [["-O0"], ["-O1", "-march=native"]], ids=" ".join)
def test_neither_instruction_set_nor_optimisation_changes_a_byte(options, tmp_path):
    """The library, which picks the widest vectors here, against other builds of its plain version."""
    compiler, csrc = os.environ.get("CC", "cc"), Path(__file__).parents[3] / "csrc"
    library = tmp_path / "mac.so"
    flags = ["-std=c11", "-ffp-contract=off", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, *options, "-o", library, csrc / "mac.c", csrc / "mac_sums.c"], check=True)
    declarations = re.search(r"cffi: begin \*/(.*?)/\* cffi: end", (csrc / "mac.h").read_text(), re.DOTALL)
    other = FFI()
    other.cdef(declarations.group(1))
    one_version = other.dlopen(str(library))

    shape = ConvShape(n=2, c=19, h=6, w=5, k=70, r=3, s=3, pad=1)
    x, w, dy = operands(shape, 7, 0.6, Format.FP32)
    z = other.new(
        "cs_mac_shape *",
        [getattr(shape, name) for name in ["n", "c", "h", "w", "k", "r", "s", "stride", "pad", "groups"]],
    )
    size = other.new("size_t *")
    for stage, name, a, b, expected in (
        (lib.CS_MAC_FF, "cs_mac_ff", x, w, mac_ff(shape, x, w)),
        (lib.CS_MAC_BP, "cs_mac_bp", dy, w, mac_bp(shape, dy, w)),
        (lib.CS_MAC_WG, "cs_mac_wg", x, dy, mac_wg(shape, x, dy)),
    ):
        assert one_version.cs_mac_scratch_bytes(z, stage, size) == lib.CS_OK
        scratch, out = other.new("float[]", size[0] // 4), np.empty_like(expected)
        buffers = [v for array in (a, b, out) for v in (other.from_buffer("float[]", array), array.size)]
        assert (
            getattr(one_version, name)(z, lib.CS_ACCUMULATE_FP32, lib.CS_ISA_PLAIN, *buffers, scratch, size[0])
            == lib.CS_OK
        )
        assert same_bytes(out, expected)


def test_misaligned_buffers_are_refused():
    """One value of each tensor, in buffers that begin at a word, or two bytes behind it."""
    shape = ffi.new("cs_mac_shape *", dict.fromkeys(("n", "c", "h", "w", "k", "r", "s", "stride", "groups"), 1))
    needed = ffi.new("size_t *")
    for stage, name in ((lib.CS_MAC_FF, "ff"), (lib.CS_MAC_BP, "bp"), (lib.CS_MAC_WG, "wg")):
        assert lib.cs_mac_scratch_bytes(shape, stage, needed) == lib.CS_OK
        memory = [ffi.new("char[]", 1024) for _ in range(4)]

        def run(amid=None, name=name, memory=memory, shape=shape):
            places = [int(ffi.cast("uintptr_t", part)) + 2 * (at == amid) for at, part in enumerate(memory)]
            a, b, out = (ffi.cast("float *", place) for place in places[:3])
            scratch = ffi.cast("void *", places[3])
            function = getattr(lib, f"cs_mac_{name}")
            return function(shape, lib.CS_ACCUMULATE_FP32, 0, a, 1, b, 1, out, 1, scratch, needed[0])

        assert run() == lib.CS_OK
        assert [run(amid) for amid in range(4)] == [lib.CS_EBUFFER] * 4
        amid = ffi.cast("cs_mac_shape *", int(ffi.cast("uintptr_t", shape)) + 2)
        assert lib.cs_mac_scratch_bytes(amid, stage, needed) == lib.CS_EBUFFER
        assert run(shape=amid) == lib.CS_EBUFFER
