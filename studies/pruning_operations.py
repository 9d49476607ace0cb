"""What sampling saves of the pruning computation: `python -m studies.pruning_operations`.

Operations of one event on the shapes of VGG16 (Simonyan and Zisserman, ICLR 2015, configuration D) and ResNet-18 (He et
al., CVPR 2016) for ImageNet, all layers with weights; and for which share of the channels they fall by 99.7 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cosim.models.pruning import CoarseUnit
from cosim.models.pruning.coarse_fine import sampled_bands
from cosim.models.pruning.full_form import operation_counts

PUBLISHED = 0.997
UNIT = CoarseUnit(4, 4)

Shape = tuple[int, int, int, int]  # (k, r, s, c)


def _conv(c: int, k: int, size: int = 3) -> Shape:
    return (k, size, size, c)


VGG16: tuple[Shape, ...] = (
    *(_conv(c, k) for c, k in ((3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 256))),
    *(_conv(c, k) for c, k in ((256, 512), *[(512, 512)] * 5)),
    *((k, 1, 1, c) for c, k in ((512 * 7 * 7, 4096), (4096, 4096), (4096, 1000))),
)
RESNET18: tuple[Shape, ...] = (
    _conv(3, 64, 7),
    *[_conv(64, 64)] * 4,
    *(shape for c in (64, 128, 256) for shape in (_conv(c, 2 * c), *[_conv(2 * c, 2 * c)] * 3, _conv(c, 2 * c, 1))),
    (1000, 1, 1, 512),
)
NETWORKS: Mapping[str, tuple[Shape, ...]] = {
    "VGG16": VGG16,
    "VGG16, convolutions": VGG16[:-3],
    "ResNet-18": RESNET18,
}
SHARES = tuple(i / 1000 for i in range(1, 1001))


@dataclass(frozen=True)
class Operations:
    """Of one event on all layers of a network."""

    coarse: int
    fine: int

    @property
    def total(self) -> int:
        """Both."""
        return self.coarse + self.fine


def event(layers: tuple[Shape, ...], share: float) -> Operations:
    """With this share of each layer's output channels in the sample (1: the full form), as `scfp` draws it."""
    coarse = fine = 0
    for shape in layers:
        bands = sampled_bands(shape[0], share, UNIT)
        sampled = min(shape[0], bands * UNIT.channels_out)
        counts = operation_counts(shape, UNIT, sampled=sampled, bands=bands, pairs=sampled * (sampled - 1) // 2)
        fine += counts["fine_compares"]
        coarse += counts["coarse_macs"] + counts["coarse_adds"] + counts["coarse_compares"]
    return Operations(coarse, fine)


def largest_share(layers: tuple[Shape, ...], part: str, events: int = 1) -> float | None:
    """The largest share for which `part` (coarse, total) falls by the published 99.7 %, with `events` times as many
    events as the full form; None where no share does."""
    full = getattr(event(layers, 1.0), part)
    fitting = [s for s in SHARES if events * getattr(event(layers, s), part) <= (1 - PUBLISHED) * full]
    return max(fitting, default=None)


def table() -> list[list[str]]:
    """The rows of docs/pruning.md, with their head."""
    rows = [
        [
            "network",
            "coarse, all pairs",
            "fine",
            "fine share of the total",
            "share for coarse - 99.7 %",
            "the same, 10 x the events",
            "share for total - 99.7 %",
            "total at 5 % of the channels",
        ]
    ]
    for name, layers in NETWORKS.items():
        full = event(layers, 1.0)
        shares = [largest_share(layers, "coarse"), largest_share(layers, "coarse", 10), largest_share(layers, "total")]
        rows.append(
            [
                name,
                f"{full.coarse / 1e9:,.2f} G",
                f"{full.fine / 1e9:,.4f} G",
                f"{full.fine / full.total:.2%}",
                *("none" if share is None else f"{share:.1%}" for share in shares),
                f"- {1 - event(layers, 0.05).total / full.total:.2%}",
            ]
        )
    return rows


if __name__ == "__main__":
    for row in table():
        print(" | ".join(row))
