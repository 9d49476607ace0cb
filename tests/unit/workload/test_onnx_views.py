"""Views of a layer's output against arrays that hold, for each element, where in the output it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.workload.importers.onnx_views import (
    Factor,
    View,
    flat_axes,
    image_axes,
    joined,
    reshaped,
    sizes,
    token_axes,
)

IMAGES, TOKENS, CHANNELS = 7, 5, 12


def places(view):
    """The number of each element of the view in an output (images, tokens, channels)."""
    steps = {"images": TOKENS * CHANNELS, "positions": CHANNELS, "channels": 1}
    found = np.array(view.position * CHANNELS + view.channel)
    for factor in (factor for axis in view.axes for factor in axis):
        found = found[..., None] + np.arange(factor.size) * factor.step * steps[factor.of]
    return found.reshape(view.shape)


@given(st.data())
def test_whatever_is_reshaped_transposed_and_selected(data):
    view = View("x", token_axes(IMAGES, TOKENS, CHANNELS))
    array = np.arange(IMAGES * TOKENS * CHANNELS).reshape(IMAGES, TOKENS, CHANNELS)
    for _ in range(data.draw(st.integers(1, 6))):
        what = data.draw(st.sampled_from(("split", "join", "order", "select")))
        axis = data.draw(st.integers(0, array.ndim - 1))
        size = array.shape[axis]
        if what == "split":
            part = data.draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
            shape = (*array.shape[:axis], part, size // part, *array.shape[axis + 1 :])
        elif what == "join" and axis + 1 < array.ndim:
            shape = (*array.shape[:axis], size * array.shape[axis + 1], *array.shape[axis + 2 :])
        else:
            shape = array.shape
        try:
            axes = reshaped(view.axes, shape)
        except ValueError as error:  # an axis of several factors, and a cut through one of them
            assert "cuts through" in str(error)
            assert any(len(axis) > 1 for axis in view.axes)
            continue
        view, array = View("x", axes, view.channel, view.position), array.reshape(shape)
        if what == "order":
            order = data.draw(st.permutations(range(array.ndim)))
            view = View("x", tuple(view.axes[i] for i in order), view.channel, view.position)
            array = array.transpose(order)
        if what == "select" and len(view.axes[axis]) == 1 and view.axes[axis][0].of != "images":
            start = data.draw(st.integers(0, size - 1))
            count = data.draw(st.integers(1, size - start))
            view = view.selected(axis, start, count)
            array = np.take(array, range(start, start + count), axis)
        assert view.shape == array.shape
        assert np.array_equal(places(view), array)
        everything = len(np.unique(array)) == IMAGES * TOKENS * CHANNELS
        assert everything == (view.covers("positions", TOKENS) and view.covers("channels", CHANNELS))


def test_the_fewest_factors():
    walks = [Factor("channels", 2, 6), Factor("channels", 2, 3), Factor("images", 1, 1), Factor("channels", 3, 1)]
    assert joined(walks) == (Factor("channels", 12, 1),)
    assert joined(walks[::-1]) == tuple(walks[i] for i in (3, 1, 0))
    assert sizes(image_axes(2, 3, 4, 5)) == (2, 5, 3, 4)
    assert sizes(flat_axes(2, 5)) == (2, 5)


@pytest.mark.parametrize("shape", [(7, 60, 2), (14, 30), (35, 12), (7, 5, 8)])
def test_reshapes_that_cut_or_do_not_fit(shape):
    axes = token_axes(IMAGES, TOKENS, CHANNELS)
    if shape == (35, 12):
        assert sizes(reshaped(axes, shape)) == shape
        return
    with pytest.raises(ValueError, match="cuts through its positions" if shape == (14, 30) else "into"):
        reshaped(axes, shape)


def test_images_stay_together():
    view = View("x", token_axes(IMAGES, TOKENS, CHANNELS))
    with pytest.raises(ValueError, match="takes images apart"):
        view.selected(0, 0, 1)
    assert view.selected(0, 0, IMAGES) == view
