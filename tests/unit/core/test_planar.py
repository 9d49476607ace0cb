"""What SCNN and DCNN share: tiles as even as possible, and refusals."""

import numpy as np
import pytest

from cosim.models.core import Dcnn, Operands, PlanarTiling, Scnn
from cosim.models.core.planar import MAX_PES
from cosim.models.tensors import BitTensor, ConvShape, Stage


def test_tiles_and_their_parts_cover_the_plane_in_order_and_are_as_even_as_possible():
    assert PlanarTiling(2, 3, 1).spans(7, 3) == [[(0, 2), (2, 4), (4, 7)]]
    assert PlanarTiling(2, 3, 1).spans(7, 2, 2) == [[(0, 1), (3, 5)], [(1, 3), (5, 7)]]
    assert PlanarTiling(1, 4, 1).spans(2, 4) == [[(0, 1), (1, 2)]]
    assert PlanarTiling(1, 2, 1).spans(3, 2, 2) == [[(0, 0), (1, 2)], [(0, 1), (2, 3)]]


@pytest.mark.parametrize("sides", [(MAX_PES, 1), (1, MAX_PES), (256, 256)])
def test_as_many_elements_as_the_limit_but_no_more(sides):
    assert PlanarTiling(*sides, 1).pes == MAX_PES
    for more in ((sides[0] + 1, sides[1]), (sides[0], sides[1] + 1)):
        with pytest.raises(ValueError, match=rf"^pe_rows and pe_columns must give at most {MAX_PES} processing el"):
            PlanarTiling(*more, 1)


@pytest.mark.parametrize(
    "core", [Scnn(PlanarTiling(2, 2, 2), 4, 4, 32, 32, 4, 50, 4), Dcnn(PlanarTiling(2, 2, 2), 4, 4)]
)
def test_what_is_not_modelled_is_refused(core):
    shape = ConvShape(n=1, c=2, h=4, w=4, k=2, r=1, s=1, stride=2)
    given = Operands(
        x=BitTensor.from_bool(np.ones(shape.x_shape, bool)), w=BitTensor.from_bool(np.ones(shape.w_shape, bool))
    )
    with pytest.raises(ValueError, match=r"^modelled for stride 1 and groups 1, got 2 and 1$"):
        core.run(shape, Stage.FF, given)
    with pytest.raises(ValueError, match=r"stage ff, not wg$"):
        core.run(shape, Stage.WG, given)
