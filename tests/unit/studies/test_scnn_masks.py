"""The study of real masks: it runs what the files hold, and draws layers of the same shapes and densities."""

import numpy as np
import pytest

from cosim.models.core import Operands
from cosim.models.core.chip_file import load_chip
from cosim.models.tensors import BitTensor, ConvShape, Stage
from studies.scnn import ROOT, WAYS
from studies.scnn_masks import main, real_speed_ups, rows_of

SHAPE = ConvShape(n=1, c=16, h=16, w=16, k=8, r=3, s=3, pad=1)


def masks(seed, density):
    random = np.random.default_rng(seed)
    return {"a": random.random((16, 16, 16)) < density, "b": random.random((8, 8, 8)) < 0.5}


WEIGHTS = {"a": np.random.default_rng(9).random((8, 3, 3, 16)) < 0.4, "b": np.ones((4, 1, 1, 8), dtype=np.bool_)}


def test_layers_have_the_shapes_of_the_masks_and_the_mean_density():
    first, second = rows_of([masks(1, 0.2), masks(2, 0.6)], WEIGHTS)
    assert (first.name, first.shape) == ("a", SHAPE)
    assert first.inputs == pytest.approx(0.4, abs=0.02)
    assert first.weights == WEIGHTS["a"].mean()
    assert second.shape == ConvShape(n=1, c=8, h=8, w=8, k=4, r=1, s=1)


def test_the_speed_up_is_that_of_the_masks_themselves():
    file = masks(1, 0.2)
    scnn, dcnn = (load_chip(ROOT / f"scenarios/chips/{name}.yaml").core for name in ("scnn", "dcnn"))
    taken = {scnn: 0, dcnn: 0}
    for row in rows_of([file], WEIGHTS):
        x, w = BitTensor.from_bool(file[row.name][None]), BitTensor.from_bool(WEIGHTS[row.name])
        for core in taken:
            taken[core] += core.run(row.shape, Stage.FF, Operands(x, w, None, None)).cycles
    assert real_speed_ups([file], WEIGHTS) == [taken[dcnn] / taken[scnn]]
    # The same in a quarter of the first plane: a quarter of the elements have all to do.
    corner = {"a": np.zeros((16, 16, 16), dtype=np.bool_), "b": file["b"]}
    corner["a"][:8, :8] = np.random.default_rng(3).random((8, 8, 16)) < 4 * file["a"].mean()
    assert real_speed_ups([corner], WEIGHTS)[0] < 0.9 * real_speed_ups([file], WEIGHTS)[0]


def test_what_is_printed_and_files_that_are_not_there(tmp_path, capsys):
    weights, photo = tmp_path / "weights.npz", tmp_path / "photo.npz"
    np.savez(weights, **WEIGHTS)
    np.savez(photo, **masks(1, 0.3))
    assert main([str(weights), str(photo)], seeds=[1]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["real masks", *WAYS]
    assert main([str(weights)]) == 2
    assert main([str(tmp_path / "none.npz"), str(photo)]) == 2
    assert "none.npz: no such file; real masks are not part of this project" in capsys.readouterr().err
    np.savez(weights, a=WEIGHTS["a"])
    assert main([str(weights), str(photo)]) == 2
    assert capsys.readouterr() == ("", f"{weights}: no weights of b\n")
