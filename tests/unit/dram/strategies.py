"""Random traffic: presets with short refresh intervals, small queues, addresses that meet often."""

from dataclasses import replace

from hypothesis import strategies as st

from cosim.models.dram import PRESETS, SCHEDULERS


@st.composite
def channels(draw, ideal=False):
    """(preset, mapping, scheduler): everything that can be hard to get right, small enough to happen."""
    preset = draw(st.sampled_from(list(PRESETS.values())))
    interval = draw(st.sampled_from([preset.timing["tREFI"], 2 * preset.timing["tRFC"], preset.timing["tRFC"] + 60]))
    preset = preset.with_timing(tREFI=interval)
    names = list(SCHEDULERS) if ideal else [name for name in SCHEDULERS if name != "ideal"]
    scheduler = SCHEDULERS[draw(st.sampled_from(names))]
    if draw(st.booleans()):
        write_queue = draw(st.integers(2, 6))
        scheduler = replace(
            scheduler,
            read_queue=draw(st.integers(1, 5)),
            write_queue=write_queue,
            write_high=draw(st.integers(2, write_queue)),
            write_low=draw(st.integers(0, 1)),
            bank_queue=draw(st.integers(1, 3)),
            drain_over=draw(st.integers(0, 3)),
            row_hits=draw(st.integers(1, 3)),
        )
    return preset, draw(st.sampled_from(sorted(preset.mappings))), scheduler


def addresses(preset, mapping):
    """Few banks, rows and columns, so that hits, conflicts and equal addresses are common."""
    geometry = preset.geometry
    encode = preset.mapping(mapping).encode
    return st.builds(
        lambda row, bank, group, column: encode({"row": row, "bank": bank, "group": group, "column": column}),
        st.integers(0, 2),
        st.integers(0, min(geometry.banks_per_group, 3) - 1),
        st.integers(0, min(geometry.groups, 2) - 1),
        st.integers(0, 3),
    )


def traffic(preset, mapping, most=120):
    """Requests (gap in clocks before it is offered, address, is_write)."""
    gaps = st.one_of(st.just(0), st.integers(0, 8), st.integers(0, 900))
    return st.lists(st.tuples(gaps, addresses(preset, mapping), st.booleans()), min_size=1, max_size=most)
