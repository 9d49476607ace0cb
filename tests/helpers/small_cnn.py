"""A small CNN trained in PyTorch on the digits, its masks captured and its multiply-accumulates counted there.

`python tests/helpers/small_cnn.py` writes the file that tests replay where there is no PyTorch, and the counts.
"""

import json
from pathlib import Path

import numpy as np

from cosim.capture import Capture
from cosim.models.workload import load_dataset

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "tests/unit/workload/small_cnn.masks"
COUNTS = RECORDED.with_suffix(".json")
STEPS = (0, 40)
NETWORK = {
    "name": "small_cnn",
    "input": {"height": 8, "width": 8, "channels": 1},
    "layers": [
        {"kind": "conv", "name": "conv1", "channels": 4, "kernel": 3, "pad": 1},
        {"kind": "relu"},
        {"kind": "max_pool", "size": 2},
        {"kind": "conv", "name": "conv2", "channels": 6, "kernel": 3, "stride": 2, "pad": 1},
        {"kind": "relu"},
        {"kind": "flatten"},
        {"kind": "linear", "name": "fc", "channels": 10},
    ],
}


def train(torch, file):
    """Train for a few steps; returns what PyTorch counted: {step: {layer: {stage: [dense, effectual]}}}."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    nn, f = torch.nn, torch.nn.functional

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
            self.conv2 = nn.Conv2d(4, 6, 3, stride=2, padding=1)
            self.fc = nn.Linear(24, 10)

        def forward(self, x):
            x = f.max_pool2d(f.relu(self.conv1(x)), 2)
            return self.fc(f.relu(self.conv2(x)).flatten(1))

    net = Net()
    prune = torch.rand_like(net.conv2.weight) < 0.5
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    digits = load_dataset("optical_digits", ROOT / "scenarios/data/optical_digits.npz")
    images = torch.tensor(digits.train_images.transpose(0, 3, 1, 2).copy())
    labels = torch.tensor(digits.train_labels.astype(np.int64))
    counts = {}
    with Capture(net, file, steps=STEPS) as capture:
        for step in range(max(STEPS) + 1):
            with torch.no_grad():
                net.conv2.weight[prune] = 0.0
            chosen = slice(4 * step, 4 * step + 4)
            optimizer.zero_grad()
            kept = keep(net) if step in STEPS else None
            f.cross_entropy(net(images[chosen]), labels[chosen]).backward()
            if kept:
                counts[str(step)] = count(torch, kept)
            optimizer.step()
            capture.next_step()
    return counts


def keep(net):
    """Hooks of this test's own: inputs and gradients by layer."""
    kept = {}

    def on_forward(module, inputs, output):
        kept.setdefault(module, {})["x"] = inputs[0].detach()
        output.register_hook(lambda gradient: kept[module].update(dy=gradient.detach()))

    for name, module in net.named_children():
        kept[module] = {"name": name, "hook": module.register_forward_hook(on_forward)}
    return kept


def count(torch, kept):
    counts = {}
    for module, tensors in kept.items():
        tensors["hook"].remove()
        z = {}
        x, w, dy = tensors["x"], module.weight.detach(), tensors["dy"]
        if x.ndim == 2:
            x, w, dy = x[..., None, None], w[..., None, None], dy[..., None, None]
            z = {"stride": 1, "padding": 0}
        else:
            z = {"stride": module.stride, "padding": module.padding}
        of = {"ff": [], "bp": [], "wg": []}
        for ones in (torch.ones_like, lambda t: (t != 0).float()):
            of["ff"].append(int(torch.nn.functional.conv2d(ones(x), ones(w), **z).sum()))
            of["bp"].append(int(torch.nn.grad.conv2d_input(x.shape, ones(w), ones(dy), **z).sum()))
            of["wg"].append(int(torch.nn.grad.conv2d_weight(ones(x), w.shape, ones(dy), **z).sum()))
        counts[tensors["name"]] = of
    return counts


if __name__ == "__main__":
    import torch

    COUNTS.write_text(json.dumps(train(torch, RECORDED), indent=1) + "\n")
