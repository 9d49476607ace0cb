"""Random traffic: presets with short refresh intervals, small queues, addresses that meet often."""

from dataclasses import replace

from hypothesis import strategies as st

from cosim.models.dram import PRESETS, SCHEDULERS


@st.composite
def channels(draw, ideal=False):
    """(preset, mapping, scheduler): everything that can be hard to get right, small enough to happen."""
    preset = draw(st.sampled_from(list(PRESETS.values())))
    names = list(SCHEDULERS) if ideal else [name for name in SCHEDULERS if name != "ideal"]
    scheduler = SCHEDULERS[draw(st.sampled_from(names))]
    preset = preset.with_ranks(draw(st.sampled_from([1, 1, 2])))
    per_bank = preset.refreshes_banks and draw(st.booleans())
    scheduler = replace(
        scheduler,
        page=draw(st.sampled_from(["open", "closed"])),
        refresh="per-bank" if per_bank else "all-bank",
    )
    # As often as may be, so that refreshes meet everything.
    geometry = preset.geometry
    each = geometry.ranks * (preset.timing["tRFCpb"] * geometry.banks if per_bank else preset.timing["tRFC"])
    interval = draw(st.sampled_from([preset.timing["tREFI"], 2 * each, each + 60 * geometry.ranks * geometry.banks]))
    preset = preset.with_timing(tREFI=interval)
    if draw(st.booleans()):
        write_queue = draw(st.integers(2, 6))
        settings = {
            "read_queue": draw(st.integers(1, 5)),
            "write_queue": write_queue,
            "write_high": draw(st.integers(2, write_queue)),
            "write_low": draw(st.integers(0, 1)),
            "bank_queue": draw(st.integers(1, 3)),
            "drain_over": draw(st.integers(0, 3)),
            "row_hits": draw(st.integers(1, 3)),
        }
        scheduler = replace(scheduler, **{name: value for name, value in settings.items() if hasattr(scheduler, name)})
    return preset, draw(st.sampled_from(sorted(preset.mappings))), scheduler


def addresses(preset, mapping):
    """Few banks, rows and columns, so that hits, conflicts and equal addresses are common."""
    geometry = preset.geometry
    encode = preset.mapping(mapping).encode
    return st.builds(
        lambda row, bank, group, column, rank: encode(
            {"row": row, "bank": bank, "group": group, "column": column, "rank": rank}
        ),
        st.integers(0, 2),
        st.integers(0, min(geometry.banks_per_group, 3) - 1),
        st.integers(0, min(geometry.groups, 2) - 1),
        st.integers(0, 3),
        st.integers(0, geometry.ranks - 1),
    )


def traffic(preset, mapping, most=120):
    """Requests (gap in clocks before it is offered, address, is_write)."""
    gaps = st.one_of(st.just(0), st.integers(0, 8), st.integers(0, 900))
    return st.lists(st.tuples(gaps, addresses(preset, mapping), st.booleans()), min_size=1, max_size=most)
