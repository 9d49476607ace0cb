"""Energy of a flit: the table's own rows, interpolation, scaling marked as assumed, counts times entries."""

import pytest

from cosim.models.noc.energy import NocEnergy
from cosim.models.noc.mesh import MeshConfig
from cosim.models.noc.packets import Packets
from cosim.models.noc.replay import replay
from cosim.models.noc.traffic import bernoulli


@pytest.mark.parametrize(
    ("bits", "total"),
    # 4.0 + 3.0 + 0.8 + 0.06 + 0.05 + 128 x 0.0488 = 14.2 pJ; 7.3 and 3.75 pJ for 64 and 32 bits.
    [(128, 4000 + 3000 + 800 + 110 + 6246), (64, 2080 + 1580 + 400 + 110 + 3123), (32, 1030 + 830 + 220 + 110 + 1562)],
)
def test_a_flit_hop_costs_what_the_table_says(bits, total):
    assert NocEnergy(bits, link_um=1000).flit_hop_fj() == total


@pytest.mark.parametrize(
    ("length_um", "energy_fj"),
    # 128 bits of 25.0, 48.8, 96.3, 143 fJ; half of 0.5 mm; between 1 and 2 mm; twice 3 mm.
    [(0, 0), (250, 1600), (500, 3200), (1000, 6246), (1500, 9286), (2000, 12326), (3000, 18304), (6000, 36608)],
)
def test_wires_cost_by_length(length_um, energy_fj):
    assert NocEnergy(128, link_um=length_um).entries()["link"].energy_fj == energy_fj


def test_widths_between_and_outside_the_rows():
    assert NocEnergy(96, link_um=0).entries()["buffer_write"].energy_fj == (2080 + 4000) // 2
    assert NocEnergy(256, link_um=0).entries()["buffer_write"].energy_fj == 8000
    assert NocEnergy(16, link_um=0).entries()["buffer_write"].energy_fj == 515
    assert NocEnergy(256, link_um=0).entries()["allocation"].energy_fj == 110


def test_every_entry_has_source_node_and_supply_and_scaling_is_marked():
    plain = NocEnergy(128, link_um=1000).entries()
    for name, entry in plain.items():
        assert entry.action == name
        assert "Noxim" in entry.source
        assert (entry.node_nm, entry.voltage_mv, entry.assumed) == (45, None, "")
    scaled = NocEnergy(128, link_um=1000, node_nm=65, voltage_mv=900).entries()
    for name, entry in scaled.items():
        assert (entry.node_nm, entry.voltage_mv) == (65, 900)
        assert entry.assumed == (
            "scaled by 65/45, the ratio of nodes; "
            "scaled by the square of 900 mV / 1000 mV, the source stating no supply"
        )
        assert entry.energy_fj == pytest.approx(plain[name].energy_fj * 65 / 45 * 0.81, abs=1)


def test_a_run_costs_its_events():
    mesh = MeshConfig(3, 3)
    packets: Packets = bernoulli(mesh, "uniform", 0.3, 2, 200, seed=1)
    energy = NocEnergy(64, link_um=1000, node_link_um=500)
    spent = energy.spent_fj(replay(mesh, packets).counts)
    hops = sum(2 * mesh.hops(src, dst) for src, dst in zip(packets.src.tolist(), packets.dst.tolist(), strict=True))
    routers = hops + 2 * len(packets)
    assert spent == {
        "buffer_write": 2080 * routers,
        "buffer_read": 1580 * routers,
        "crossbar": 400 * routers,
        "allocation": 110 * routers,
        "link": 3123 * hops,
        "node_link": 1600 * 4 * len(packets),
    }


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"flit_bits": 0}, "flit_bits 0: expected at least 1"),
        ({"link_um": -1}, "link_um -1: expected at least 0"),
        ({"voltage_mv": 0}, "voltage_mv 0: expected at least 1"),
    ],
)
def test_what_cannot_be_is_refused(fields, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        NocEnergy(**{"flit_bits": 64, "link_um": 1000, **fields})
