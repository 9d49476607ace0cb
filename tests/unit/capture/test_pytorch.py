"""What is recorded of which pass, with a stand-in for the little of PyTorch that recording uses."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from cosim.capture import Capture, Kind, MaskFile


class Tensor:
    def __init__(self, array, requires_grad=False):
        self.array, self.requires_grad, self.hooks = np.asarray(array), requires_grad, []

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return self.array

    def __ne__(self, other):
        return Tensor(self.array != other)

    def register_hook(self, hook):
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        self.hooks.append(hook)


class Linear:
    """Its output needs a gradient if its weight does, and gradients are on."""

    grad = True

    def __init__(self, frozen=False):
        self.weight, self.training, self.hooks = Tensor(np.eye(2, 3), not frozen), True, []

    def register_forward_hook(self, hook):
        self.hooks.append(hook)
        return SimpleNamespace(remove=lambda: self.hooks.remove(hook))

    def __call__(self, x):
        output = Tensor(x.array @ self.weight.array.T, self.grad and (self.weight.requires_grad or x.requires_grad))
        for hook in self.hooks:
            hook(self, (x,), output)
        return output


class Model:
    def __init__(self, **layers):
        self.layers = layers

    def named_modules(self):
        return self.layers.items()


@pytest.fixture(autouse=True)
def torch(monkeypatch):
    module = ModuleType("torch")
    module.nn = SimpleNamespace(Conv2d=type("Conv2d", (), {}), Linear=Linear)
    monkeypatch.setitem(sys.modules, "torch", module)


def step(layer, image=((1, 0, 2),)):
    output = layer(Tensor(image))
    for hook in output.hooks:
        hook(Tensor(np.ones(output.array.shape)))


def test_a_training_pass_is_recorded(tmp_path):
    layer = Linear()
    with Capture(Model(**{"head.fc": layer}), tmp_path / "a.masks", steps=[1]) as capture:
        for _ in range(3):
            step(layer)
            capture.next_step()
    file = MaskFile(tmp_path / "a.masks")
    assert file.steps == (1,)
    assert file.read(1, Kind.INPUT, "head_fc").ravel().tolist() == [True, False, True]
    assert file.read(1, Kind.WEIGHT, "head_fc").sum() == 2
    assert file.read(1, Kind.GRADIENT, "head_fc").shape == (1, 1, 1, 2)


def test_a_pass_without_gradients_is_not(tmp_path, monkeypatch):
    """An accuracy taken under `no_grad` between two updates, the model still in training mode; a frozen first layer."""
    layer, frozen = Linear(), Linear(frozen=True)
    with Capture(Model(fc=layer, frozen=frozen), tmp_path / "a.masks", steps=[0]):
        with monkeypatch.context() as no_grad:
            no_grad.setattr(Linear, "grad", False)
            step(layer)
        step(layer)
        step(frozen)
    file = MaskFile(tmp_path / "a.masks")
    assert file.shape(0, Kind.INPUT, "fc") == (1, 1, 1, 3)
    assert file.shape(0, Kind.INPUT, "frozen") is None


def test_a_second_pass_in_a_step_is_an_error_and_leaves_no_file(tmp_path):
    layer = Linear()
    text = r"^layer fc: a second pass in step 0; call next_step\(\) after each$"
    with pytest.raises(RuntimeError, match=text), Capture(Model(fc=layer), tmp_path / "a.masks", steps=[0]):
        step(layer)
        step(layer)
    assert not layer.hooks
    assert not list(tmp_path.iterdir())


def test_nothing_is_hooked_or_written_before_the_block(tmp_path):
    layer = Linear()
    capture = Capture(Model(fc=layer), tmp_path / "a.masks", steps=[0])
    assert not layer.hooks
    assert not list(tmp_path.iterdir())
    with capture:
        assert len(layer.hooks) == 1
    assert not layer.hooks
