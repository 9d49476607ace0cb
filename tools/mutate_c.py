"""Plant one mistake at a time in the C library and see that a test turns red: `make mutate-c [NAMES=...] [JOBS=2]`.

Each mutation is a file, a piece of its text that occurs once, what it becomes, and the tests that must notice. The
sources are copied to a folder of their own, the file is compiled there (with little optimisation: time goes to the
tests), and pytest runs on that library (`COSIM_KERNELS`) up to the first red test, which Hypothesis does not shrink.
Prints killed or survived for each; exit status 1 if one survived. Code of an instruction set that the processor does
not have cannot be tested; that is said.
"""

# ruff: noqa: E501 -- one mistake, one line of the table

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cosim.isa import available

ROOT = Path(__file__).resolve().parents[1]
CSRC = ROOT / "csrc"
PATIENCE = 10
"""Times as long as without a mistake, and half a minute: a loop that a mistake made endless is noticed, too."""

BITS, SKIPS = "tests/unit/core/test_bits.py", "tests/unit/core/test_skips.py"
ENGINE = "tests/unit/core/test_engine.py tests/unit/core/test_engine_refusals.py"
BANKED = "tests/unit/core/test_banked.py"
SCNN = "tests/unit/core/test_scnn.py"
FABRIC, FABRIC_LIMITS = "tests/unit/fabric/test_unfused.py", "tests/unit/fabric/test_fabric_limits.py"
SRAM = "tests/unit/sram/test_state.py"
DRAM_TWIN = "tests/unit/dram/test_controller_twin.py"
MISALIGNED = "tests/robustness/test_misaligned.py"
FORMATS, MAC = "tests/unit/numerics/test_formats.py", "tests/unit/numerics/test_mac.py"
VECMATH, ISA = "tests/unit/numerics/test_vecmath.py", "tests/unit/test_isa.py"
NOC_TWIN = "tests/unit/noc/test_look.py tests/unit/noc/test_state.py tests/unit/noc/test_multicast.py tests/invariants/test_noc.py"
DRAM_LAWS, NOC_LAWS, SRAM_LAWS = (f"tests/invariants/test_{name}.py::test_" for name in ("dram", "noc", "sram"))


@dataclass(frozen=True)
class Mutation:
    """`old` becomes `new` in `file`; `function` is the exported function that the mistake shows in. `isa`: the
    instruction set whose code it is in, where that is one of several."""

    function: str
    file: str
    old: str
    new: str
    tests: str
    isa: str = ""


# fmt: off
MUTATIONS = [
    Mutation("cs_isa_supported", "isa.c", "isa >= CS_ISA_LEVELS", "isa > CS_ISA_LEVELS", ISA),
    # ---- zero masks
    Mutation("cs_bits_count", "bits.c", "total += __builtin_popcountll(words[i]);", "total += __builtin_popcountll(words[i] >> 1);", BITS),
    Mutation("cs_bits_pack", "bits.c", "(uint64_t)(from[i] != 0) << i", "(uint64_t)(from[i] > 1) << i", BITS),
    Mutation("cs_bits_count_ranges", "bits.c", "int64_t step = WORD - begin % WORD;", "int64_t step = WORD - begin % WORD - 1 + (begin % WORD == 63);\n        if (begin == 1) ++begin;", BITS),
    Mutation("cs_bits_count_ranges", "bits.c", "if (cs_words_of(bounds[ranges]) > count)", "if (cs_words_of(bounds[ranges]) > count + 1)", BITS),
    Mutation("cs_bits_indices", "bits.c", "if (number == capacity) {", "if (number + 1 == capacity) {", BITS),
    Mutation("cs_bits_indices", "bits.c", "if (bits - word * WORD < WORD) set &=", "if (bits - word * WORD < WORD - 1) set &=", BITS),
    Mutation("cs_bits_skips", "bits.c", "counts[3] = bits - both", "counts[3] = bits - 1 - both", BITS),
    Mutation("cs_bits_join", "bits.c", "cs_write_bits(to, at, step, cs_read_bits(from, first + done, step));", "cs_write_bits(to, at, step, cs_read_bits(from, first + done + (done > 0), step));", BITS),
    Mutation("cs_bits_transpose", "bits.c", "cs_read_bits(source + offsets[begin + i], first + row, step)", "cs_read_bits(source + offsets[begin + i], first + (row > 0) * (row - 1), step)", BITS),
    Mutation("cs_bits_zero_blocks", "bits.c", "(i + 1) * window < bits ? (i + 1) * window : bits;\n            const int zero", "(i + 1) * window < bits ? (i + 1) * window - (window > 1) : bits;\n            const int zero", BITS),
    # ---- skip counting
    Mutation("cs_skips_count", "skips.c", "const uint64_t last = words > whole ? ((uint64_t)1 << (bits % WORD)) - 1 : 0;", "const uint64_t last = words > whole ? ((uint64_t)1 << (bits % WORD - 1)) - 1 : 0;", SKIPS),
    Mutation("cs_skips_count", "skips.c", "for (size_t i = 0; i < words; ++i)\n        total += cs_popcount_plain(a[i] & b[i]);", "for (size_t i = 1; i < words; ++i)\n        total += cs_popcount_plain(a[i] & b[i]);", SKIPS),
    Mutation("cs_skips_count", "skips.c", "for (; i < words; ++i)\n        pairs += __builtin_popcountll(a[i] & b[i]);", "for (; i + 1 < words; ++i)\n        pairs += __builtin_popcountll(a[i] & b[i]);", SKIPS),
    Mutation("cs_skips_count", "skips.c", "(1u << (words - i)) - 1", "(1u << (words - i - 1)) - 1", SKIPS, "avx512"),
    Mutation("cs_skips_count", "skips.c", "if (lane % group == 0) per_group", "if (lane % group <= 1) per_group", SKIPS),
    Mutation("cs_skips_count", "skips.c", "begin + window < bits ? begin + window : bits", "begin + window < bits ? begin + window : bits - 1", SKIPS),
    # ---- the core engine
    Mutation("cs_core_state_words", "core.c", "max_length > MAX_LENGTH) return", "max_length > MAX_LENGTH + 1) return", ENGINE),
    Mutation("cs_core_state_words", "core.c", "if (!CS_IS_ALIGNED(params)) return CS_EBUFFER;", "if (!CS_IS_ALIGNED(params)) return CS_EINVAL;", ENGINE),
    Mutation("cs_core_init", "core.c", "if (state_words < header.words) return CS_EBUFFER;\n    memset(state, 0, header.kept_words", "if (state_words + 1 < header.words) return CS_EBUFFER;\n    memset(state, 0, header.kept_words", ENGINE),
    Mutation("cs_core_run_pixels", "core.c", "row < pixels->row_end", "row + 1 < pixels->row_end", ENGINE),
    Mutation("cs_core_run_pixels", "core.c", "cs_write_bits(walk, at, step, cs_read_bits(from, pixels->first_bit + done, step));", "cs_write_bits(walk, at, step, cs_read_bits(from, pixels->first_bit + (done > 0 ? done - 1 : 0), step));", ENGINE),
    Mutation("cs_core_run_walks", "core.c", "for (int32_t i = first; i < last; ++i)", "for (int32_t i = first; i < last - (last > 1); ++i)", ENGINE),
    Mutation("cs_core_result", "core.c", "memcpy(lane_cycles, state + header.lane_cycles, lanes * sizeof *lane_cycles);", "memcpy(lane_cycles, state + header.lane_cycles, (lanes - 1) * sizeof *lane_cycles);", ENGINE),
    Mutation("cs_core_run_pixels", "core_set.c", "if (*outputs == state->params.pixel_reuse)", "if (*outputs == state->params.pixel_reuse + 1)", ENGINE),
    Mutation("cs_core_run_pixels", "core_set.c", "(int64_t)slowest + state->params.lane_latency;", "(int64_t)slowest + state->params.lane_latency + 1;", ENGINE),
    Mutation("cs_core_run_pixels", "core_set.c", "state->turn++ %", "(state->turn++ + 1) %", ENGINE),
    Mutation("cs_core_run_pixels", "core_set.c", "counts->skipped_input += others - macs;", "counts->skipped_input += others - macs - (others > macs);", ENGINE),
    Mutation("cs_core_run_pixels", "core_set.c", "outputs[i] = again ? 1 : outputs[i] + 1;", "outputs[i] = again ? 0 : outputs[i] + 1;", ENGINE),
    Mutation("cs_core_run_pixels", "core_layout.c", "const int used_up = run == state->params.coarse_jump;", "const int used_up = run == state->params.coarse_jump + 1;", ENGINE),
    Mutation("cs_core_run_pixels", "core_set.c", "part * call->walks->patterns + pattern", "pattern", ENGINE),
    Mutation("cs_core_run_pixels", "core_layout.c", "i / 4 < words ?", "i / 4 + 1 < words ?", ENGINE),
    Mutation("cs_core_run_pixels", "core_layout.c", "? rest : 0);", "? rest - (rest > 0) : 0);", ENGINE),
    Mutation("cs_core_run_pixels", "core_set.c", "bin->columns + here > CS_CORE_COLUMNS)", "bin->columns + here > CS_CORE_COLUMNS + 4)", ENGINE),
    Mutation("cs_core_run_pixels", "core_walk.c", "(int64_t)walk->length + walk->blocks + 2 <= INT16_MAX", "(int64_t)walk->length - 1 <= INT16_MAX", ENGINE),
    Mutation("cs_core_run_pixels", "core_walk.c", "/ params->macs_per_lane;", "/ params->macs_per_lane + (params->macs_per_lane > 2);", ENGINE),
    Mutation("cs_core_run_pixels", "core_walk.c", "const int32_t look = coupled && rows[c] > *ready ? rows[c] : *ready;", "const int32_t look = coupled && rows[c] > *ready + 1 ? rows[c] : *ready;", ENGINE),
    Mutation("cs_core_run_pixels", "core_walk.c", "#define BYTES_HOLD 15", "#define BYTES_HOLD 17", ENGINE),
    Mutation("cs_core_run_pixels", "core_lanes.h", "if (coupled) memcpy(rows, last, sizeof last);", "if (coupled) memcpy(rows, last, sizeof last - sizeof *last);", ENGINE),
    Mutation("cs_core_run_pixels", "core_lanes.h", "look + indices - depth + 2 : 0)", "look + indices - depth + 1 : 0)", ENGINE),
    Mutation("cs_core_run_pixels", "core_lanes.h", "look) + indices - depth + 1);", "look) + indices - depth + 2);", ENGINE),
    Mutation("cs_core_run_pixels", "core_lanes.h", "emptied = jumped ? empty[c] : emptied;", "emptied = jumped ? emptied : emptied;", ENGINE),
    Mutation("cs_core_run_pixels", "core_lanes.h", "? params->queue : walk->length + 2);", "? params->queue : walk->length - 1);", ENGINE),
    Mutation("cs_core_run_pixels", "core_lanes.h", "jumps[c] == CS_CORE_LOOKS ? 0 : seen[c]", "jumps[c] == CS_CORE_JUMPS ? seen[c] : 0", ENGINE),
    Mutation("cs_core_run_pixels", "core_walk.h", "const int32_t cycles = (rest - 1) / macs;", "const int32_t cycles = rest / macs;", ENGINE),
    Mutation("cs_core_run_pixels", "core_walk.h", "take = macs < held ? macs : held;", "take = macs < held ? macs : held - (held > 0);", ENGINE),
    # ---- the core over banks
    Mutation("cs_core_banks_state_words", "core_banks.c", "banks->banks[m] > 65536", "banks->banks[m] > 65537", BANKED),
    Mutation("cs_core_banks_init", "core_banks.c", "record[at + 1] > (uint32_t)state->max_blocks", "record[at + 1] > (uint32_t)state->max_blocks + 1", BANKED),
    Mutation("cs_core_banks_submit", "core_banks.c", "if (clk < header.now || clk < 0 ||", "if (clk < header.now - 1 || clk < 0 ||", BANKED),
    Mutation("cs_core_banks_submit", "core_banks.c", "if (header.pending == room) return CS_FULL;", "if (header.pending + 1 == room) return CS_FULL;", BANKED),
    Mutation("cs_core_banks_next", "core_banks.c", "header.result.done ? CS_NEVER : header.now + 1", "header.result.done ? CS_NEVER : header.now + 2", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_ports.c", "pending[state->first_pending].clk < cycle; --state->pending", "pending[state->first_pending].clk <= cycle; --state->pending", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_ports.c", "pending[state->first_pending].clk + 1;", "pending[state->first_pending].clk + 2;", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_ports.c", "free_ports[bank] = ports - served;", "free_ports[bank] = ports - served + (served > 0);", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_cycle.c", "if (left->by > cycle)", "if (left->by > cycle + 1)", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_cycle.c", "if (left->lanes < (int32_t)outputs[0]) {", "if (left->lanes + 1 < (int32_t)outputs[0]) {", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_cycle.c", "jump(state, base, outputs, lane, ++cycle);", "jump(state, base, outputs, lane, cycle++);", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_cycle.c", "cycle += 1 + cs_core_enter(", "cycle += cs_core_enter(", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_cycle.c", "if (wake <= present) {", "if (wake < present) {", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_cycle.c", "const int64_t from = state->now + 2,", "const int64_t from = state->now + 3,", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_cycle.c", "const int64_t emptied = lane->free_at + (lane->queued + macs - 1) / macs;", "const int64_t emptied = lane->free_at + (lane->queued + macs) / macs;", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_cycle.c", "left < state->params.coarse_jump &&", "left <= state->params.coarse_jump &&", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_cycle.c", "if (a->since != b->since) return a->since < b->since;", "if (a->since != b->since) return a->since > b->since;", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_cycle.c", "group->cycles = group->done_at + state->params.lane_latency;", "group->cycles = group->done_at + state->params.lane_latency + 1;", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_whole.c", "((uint64_t)any + 2) * outputs[1] <= LONGEST", "((uint64_t)any + 2) * outputs[1] <= (4ll << 28)", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_whole.c", "params->queue < 2 ||", "params->queue < 1 ||", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_whole.c", "(int64_t)group->last_ready + state->params.queue", "group->last_ready", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_whole.c", "over > 0 ? over + 1 - busy : 0", "over > 0 ? over + 1 : 0", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_whole.c", "over > 0 ? depth - 1 : all - busy", "over > 0 ? depth : all - busy", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_whole.c", "stood > group->allowed ? stood : group->allowed", "stood", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_whole.c", "if (group->position >= run_ahead) group->allowed", "if (group->position > run_ahead) group->allowed", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_whole.c", "group->from + ready[i] + held[i]", "group->from + ready[i] + (held[i] > 0)", BANKED),
    Mutation("cs_core_banks_advance", "core_banks_cycle.c", ".since = lane->wake, ", ".since = cycle, ", BANKED),
    Mutation("cs_core_banks_init", "core_walk.c", "if (walk->elements == 1)\n        count_long(walk, 1, first, number);", "if (walk->elements <= 2)\n        count_long(walk, 1, first, number);", BANKED),
    Mutation("cs_core_banks_result_of", "core_banks.c", "for (size_t i = 0; i < lanes; ++i) {\n        lane_cycles", "for (size_t i = 1; i < lanes; ++i) {\n        lane_cycles", BANKED),
    # ---- SCNN
    Mutation("cs_scnn_encode", "scnn.c", "while (at - next > (size_t)max_zeros) {", "while (at - next >= (size_t)max_zeros + (max_zeros == 0)) {", SCNN),
    Mutation("cs_scnn_run", "scnn.c", "if (fullest > params->queue) {", "if (fullest > params->queue + 1) {", SCNN),
    Mutation("cs_scnn_run", "scnn.c", "if (bank >= banks) bank -= banks;", "if (bank >= banks) bank -= banks - (banks > 1);", SCNN),
    Mutation("cs_scnn_run", "scnn.c", "held > params->fifo && oldest", "held > params->fifo + 1 && oldest", SCNN),
    Mutation("cs_scnn_run", "scnn.c", "x_row < params->rows && x_column", "x_row < params->rows + 1 && x_column", SCNN),
    # ---- numbers
    Mutation("cs_numfmt_round", "numfmt.c", "(1u << (shift - 1)) - 1u : 0;", "(1u << (shift - 1)) : 0;", FORMATS),
    Mutation("cs_numfmt_round", "numfmt.c", "rounded > max_bits ? above", "rounded >= max_bits ? above", FORMATS),
    Mutation("cs_numfmt_round", "numfmt.c", "value > 127.0f ? 127.0f", "value > 127.0f ? 126.0f", FORMATS),
    Mutation("cs_numfmt_encode", "numfmt.c", "- 127 - f->min_normal + 1);", "- 127 - f->min_normal);", FORMATS),
    Mutation("cs_numfmt_decode", "numfmt.c", "if (magnitude > max_code)", "if (magnitude >= max_code)", FORMATS),
    Mutation("cs_numfmt_decode", "numfmt.c", "(int32_t)code - 256", "(int32_t)code - 255", FORMATS),
    Mutation("cs_numfmt_amax", "numfmt.c", "for (size_t i = 0; i < count; ++i) {\n        const uint32_t bits = to_bits(values[i]) &", "for (size_t i = 1; i < count; ++i) {\n        const uint32_t bits = to_bits(values[i]) &", FORMATS),
    # ---- multiply-accumulates
    Mutation("cs_mac_scratch_bytes", "mac.c", "if (!CS_IS_ALIGNED(z) || !CS_IS_ALIGNED(bytes)) return CS_EBUFFER;", "if (!CS_IS_ALIGNED(bytes)) return CS_EBUFFER;\n    if (!CS_IS_ALIGNED(z)) return CS_EINVAL;", MAC),
    Mutation("cs_mac_scratch_bytes", "mac.c", "to_count != gathered || scratch_bytes < needed", "to_count != gathered || scratch_bytes + 1 < needed", MAC),
    Mutation("cs_mac_ff", "mac_sums.c", "in = out * stride + tap - pad;", "in = out * stride + tap - pad + (pad > 0);", MAC),
    Mutation("cs_mac_bp", "mac_sums.c", "const int64_t shifted = out + pad - tap;", "const int64_t shifted = out + pad - tap + (stride > 1);", MAC),
    Mutation("cs_mac_bp", "mac.c", "transposed ? (tap * in + k) * width + c", "transposed ? (tap * in + (in - 1 - k)) * width + c", MAC),
    Mutation("cs_mac_wg", "mac_sums.c", "if (left == 3)", "if (left == 4)", MAC),
    Mutation("cs_mac_ff", "mac_sums.c", "(bits >> 13) & 1", "(bits >> 14) & 1", MAC),
    Mutation("cs_mac_ff", "mac_sums.c", "rounded > 0x477FE000", "rounded > 0x477FE000 + 0x2000", MAC),
    Mutation("cs_mac_ff", "mac.c", "values[i] >= -128.0f", "values[i] >= -129.0f", MAC),
    # ---- what is not multiplied
    Mutation("cs_vec_exp", "vecmath.c", "for (int term = 14; term > 0; --term)", "for (int term = 8; term > 0; --term)", VECMATH),
    Mutation("cs_vec_log", "vecmath.c", "for (int term = 23; term > 1; term -= 2)", "for (int term = 15; term > 1; term -= 2)", VECMATH),
    Mutation("cs_vec_softmax_xent", "vecmath.c", "(share - (i == label ? 1.0 : 0.0))", "(share - (i + 1 == label ? 1.0 : 0.0))", VECMATH),
    Mutation("cs_vec_column_sums", "vecmath.c", "for (size_t row = 0; row < rows; ++row)\n        for (size_t i = 0; i < columns; ++i)\n            sums[i] +=", "for (size_t row = 1; row < rows; ++row)\n        for (size_t i = 0; i < columns; ++i)\n            sums[i] +=", VECMATH),
    Mutation("cs_vec_batch_norm_stats", "vecmath.c", "variance[i] /= (double)rows;", "variance[i] /= (double)(rows > 1 ? rows - 1 : 1);", VECMATH),
    Mutation("cs_vec_batch_norm_apply", "vecmath.c", "(double)gamma[i] + (double)beta[i]);", "(double)gamma[i] + (double)beta[0]);", VECMATH),
    Mutation("cs_vec_batch_norm_bp", "vecmath.c", "const double inverse = 1.0 / (double)rows;", "const double inverse = 1.0 / (double)(rows + 1);", VECMATH),
    Mutation("cs_vec_max_pool", "vecmath.c", "if (!CS_IS_ALIGNED(z)) return CS_EBUFFER;", "if (!CS_IS_ALIGNED(z)) return CS_EINVAL;", VECMATH),
    Mutation("cs_vec_max_pool", "vecmath.c", "from[c] = here[c] > to[c] ? place : from[c];", "from[c] = here[c] >= to[c] ? place : from[c];", VECMATH),
    Mutation("cs_vec_max_pool_bp", "vecmath.c", "place >= z.h * z.w) return", "place > z.h * z.w) return", VECMATH),
    Mutation("cs_vec_mean_pool", "vecmath.c", "y[out * z.c + c] = (float)(sum / elements);", "y[out * z.c + c] = (float)(sum / (elements + 1.0));", VECMATH),
    Mutation("cs_vec_mean_pool_bp", "vecmath.c", "(float)((double)dy[out * z.c + c] / elements);", "(float)((double)dy[out * z.c + c] / (elements + 1.0));", VECMATH),
    # ---- what the memory system refuses
    Mutation("cs_dram_advance", "dram.c", "!CS_IS_ALIGNED(done_count) || ", "", MISALIGNED),
    Mutation("cs_dram_format", "dram_format.c", " || !CS_IS_ALIGNED(used)", "", MISALIGNED),
    Mutation("cs_dram_replay", "dram.c", "if (sink->done[i].tag >= count)", "if (sink->done[i].tag > count)", DRAM_TWIN),
    Mutation("cs_sram_share", "sram.c", "if (!CS_IS_ALIGNED(memory) || ", "if (", MISALIGNED),
    Mutation("cs_noc_replay", "noc.c", "!CS_IS_ALIGNED(head_out) || ", "", MISALIGNED),
    Mutation("cs_fabric_next", "fabric.c", "    if (!CS_IS_ALIGNED(time_ps)) return CS_EBUFFER;\n", "", MISALIGNED),
    Mutation("cs_sram_advance", "sram.c", "if (group != last) sram_group_schedule(v, group);", "if (last == SRAM_NOBODY) sram_group_schedule(v, group);", SRAM),
    Mutation("cs_sram_advance", "sram_layout.c", "port_shift = power ?", "port_shift = ports > 1 ?", SRAM),
    Mutation("cs_sram_advance", "sram.c", "    else\n        schedule(v, memory, &spread);\n", "", SRAM),
    Mutation("cs_sram_advance", "sram_banks.c", "b->next = b->served + full_clocks(b, grants + b->ports - 1);", "b->next = b->served + full_clocks(b, grants) + 1;", SRAM),
    Mutation("cs_sram_advance", "sram_banks.c", "for (int32_t bank = group->first; bank < group->end; ++bank)", "for (int32_t bank = group->first + 1; bank < group->end; ++bank)", SRAM),
    Mutation("cs_sram_advance", "sram_banks.c", "if (next == group->next) return;", "if (next >= group->next) return;", SRAM),
    Mutation("cs_sram_advance", "sram.c", "    if (stop && done > 0) return CS_OK;\n", "", SRAM),
    Mutation("cs_sram_stats", "sram_banks.c", "q->granted_total += granted_clocks(b, used, 0, 1, grants, &q->last_granted);", "q->granted_total += grants;", SRAM),
    Mutation("fabric", "fabric.c", "return what->address >= 0 && f->c.drams > 0;", "return f->c.drams > 0;", FABRIC_LIMITS),
    Mutation("fabric", "fabric.c", "what->client >= 0 && what->word >= 0 &&", "what->word >= 0 &&", FABRIC_LIMITS),
    Mutation("fabric", "fabric.c", "for (; *taken < count; ++*taken) {", "for (; *taken < count; *taken += 1 + (count > 40)) {", FABRIC),
    Mutation("fabric", "fabric.c", "        fabric_flush_outbox(f, parts, now_ps, &flushed);\n", "        if (count < 8) fabric_flush_outbox(f, parts, now_ps, &flushed);\n", FABRIC),
    Mutation("fabric", "dram.c", "dram_max(from, s->last_arrival + 1)", "from", FABRIC),
    Mutation("fabric", "dram.c", "bound = until, stop |= DRAM_STOP_AT_EVENT;", "bound = until;", FABRIC),
    Mutation("fabric", "fabric_clock.c", "if (noc->clock.end < noc->next) noc->next = noc->clock.end;", "", FABRIC),
    Mutation("fabric", "fabric_clock.c", "return at > f->now && at < dram->next ? at : dram->next;", "return dram->next;", FABRIC),
    Mutation("fabric", "fabric_clock.c", "if (next->rest <= next->earliest) next->network = next->memory = FABRIC_NONE;", "", FABRIC),
    Mutation("fabric", "fabric_clock.c", "until = fabric_clk_at(&dram->clock, limit);", "until = fabric_clk_at(&dram->clock, limit) + 2;", FABRIC),
    Mutation("fabric", "fabric_clock.c", "dram->inside > 0 ? dram->completion : CS_NEVER", "dram->completion", FABRIC),
    Mutation("fabric", "fabric_clock.c", "    dram->next = dram->event;\n", "    dram->next = dram->completion;\n", FABRIC),
    Mutation("fabric", "fabric_clock.c", "while (!f->stirred && f->done_count == 0 &&", "while (!f->stirred && f->done_count <= 1 &&", FABRIC),
    Mutation("fabric", "fabric_requests.c", "        if (!sram->p.ideal && words > sram->p.words) words = sram->p.words;\n", "", FABRIC),
    Mutation("fabric", "fabric_requests.c", "sram->stale = f->stirred = 1;", "sram->stale = 1;", FABRIC),
    Mutation("fabric", "fabric_requests.c", "f->stirred |= channels > 1;", "", FABRIC),
    Mutation("fabric", "fabric_requests.c", "if (!caused || r->base != d->base) {", "if (!caused) {", FABRIC),
    Mutation("fabric", "fabric_requests.c", "if (!caused || r->base != d->base) {", "if (1) {", FABRIC),
    Mutation("fabric", "dram_clock.c", "out->next_done = dram_min(out->next_done, event + latency);", "out->next_done = dram_min(out->next_done, event + latency + 1);", FABRIC),
    Mutation("fabric", "dram_clock.c", "if (s->list[DRAM_WRITE].count > 0 || s->arrival_count > 0) return 0;", "if (s->arrival_count > 0) return 0;", FABRIC),
    Mutation("fabric", "fabric.c", "is_idle(f) && (status = run_until(f, parts, now_ps, &next)) != CS_OK", "0", FABRIC),
    Mutation("cs_fabric_next", "fabric.c", "    if (is_idle(f)) {\n        *time_ps = CS_NEVER;\n        return CS_OK;\n    }\n", "", "tests/unit/fabric/test_fabric.py"),
    Mutation("cs_fabric_submit", "fabric_layout.c", " || !CS_IS_ALIGNED(parts->sram_bytes)", "", "tests/unit/fabric/test_fabric_limits.py"),
    # ---- the memory system's laws (tests/invariants): each mistake, and the law that it breaks
    Mutation("law 13", "dram_fr_fcfs.c", "consider(best, dram_max(next, dram_ready(s, command, bank)), command, bank, which, i);", "consider(best, dram_max(next - 1, dram_ready(s, command, bank)), command, bank, which, i);", DRAM_LAWS + "13_one_command_a_clock"),
    Mutation("law 13", "dram_round_robin.c", "dram_max(next, dram_ready(s, CS_DRAM_ACT, bank));", "dram_max(next - 1, dram_ready(s, CS_DRAM_ACT, bank));", DRAM_LAWS + "13_one_command_a_clock"),
    Mutation("law 14", "dram_rules.c", "raise_all(s->rank_ready[rank], s->latency[CS_DRAM_RANK][command], clk);", "if (command != CS_DRAM_REF) raise_all(s->rank_ready[rank], s->latency[CS_DRAM_RANK][command], clk);", DRAM_LAWS + "14_nothing_in_a_refresh_and_all_precharged_before_it"),
    Mutation("law 14", "dram_rules.c", "raise_all(s->bank_ready[bank], s->latency[CS_DRAM_BANK][command], clk);", "if (command != CS_DRAM_REFPB) raise_all(s->bank_ready[bank], s->latency[CS_DRAM_BANK][command], clk);", DRAM_LAWS + "14_nothing_in_a_refresh_and_all_precharged_before_it"),
    Mutation("law 15", "dram_rules.c", "return number / s->refresh_targets * interval +", "return number / s->refresh_targets * (interval + interval / 2) +", DRAM_LAWS + "15_refreshes_are_owed_by_no_more_than_eight"),
    Mutation("law 15", "dram_state.h", "return s->config.refresh_per_bank ? bank == refresh_bank :", "return s->config.refresh_per_bank ? 0 :", DRAM_LAWS + "15_a_bank_is_held_for_the_refresh_that_is_due"),
    Mutation("law 16", "dram_clock.c", "s->last_column = choice->clk + latency + s->config.burst_clocks;", "s->last_column = choice->clk + latency + s->config.burst_clocks - 1;", DRAM_LAWS + "16_no_read_is_faster_than_a_row_hit"),
    Mutation("law 16", "dram_clock.c", "s->last_column = choice->clk + latency + s->config.burst_clocks;", "s->last_column = choice->clk + latency + s->config.burst_clocks + 1;", DRAM_LAWS + "16_a_lone_request_takes_exactly_the_least"),
    Mutation("law 16", "dram_clock.c", "if (dram_first_done(s) <= dram_min(s->now, until)) {", "if (dram_first_done(s) < dram_min(s->now, until)) {", DRAM_LAWS + "16_what_is_done_is_told_before_the_clock_goes_on"),
    Mutation("law 17", "dram.c", "s->group_of[bank] = bank / config->banks_per_group;", "s->group_of[bank] = 0;", DRAM_LAWS + "17_a_steady_stream_reaches_the_peak_less_the_refreshes"),
    Mutation("law 18", "dram_fr_fcfs.c", "return waits_for(s, DRAM_WRITE, read, 1) || waits_for(s, DRAM_ACTIVE, read, 1);", "return waits_for(s, DRAM_ACTIVE, read, 1);", DRAM_LAWS + "18_requests_for_one_burst_keep_their_order"),
    Mutation("law 18", "dram_fr_fcfs.c", "s->list[DRAM_WRITE].count >= s->config.write_high ||", "s->list[DRAM_WRITE].count + 1 >= s->config.write_high ||", DRAM_LAWS + "18_with_one_request_at_a_time_first_ready_is_first_come"),
    Mutation("law 19", "dram_rules.c", "dram_max(clk, s->active_until[rank]);", "clk;", DRAM_LAWS + "19_energy_is_counts_times_the_table_and_residencies_are_the_time"),
    Mutation("law 19", "dram_rules.c", "s->active_until[rank] = dram_max(clk, s->closing_until[rank]);", "s->active_until[rank] = clk;", DRAM_LAWS + "19_energy_is_counts_times_the_table_and_residencies_are_the_time"),
    Mutation("law 19", "dram_rules.c", "s->refresh_until[rank] = clk + s->latency[CS_DRAM_RANK][CS_DRAM_REF][CS_DRAM_ACT];", "s->refresh_until[rank] = clk + 2 * s->latency[CS_DRAM_RANK][CS_DRAM_REF][CS_DRAM_ACT];", DRAM_LAWS + "19_energy_is_counts_times_the_table_and_residencies_are_the_time"),
    Mutation("silence", "dram_clock.c", "s->commands[command] += skipped;", "s->commands[command] += skipped - (skipped > 2);", DRAM_LAWS + "silence_is_accounted_for_as_if_stepped"),
    Mutation("silence", "dram_rules.c", "+ interval - 1) / interval - 1;", "+ interval - 1) / interval;", DRAM_LAWS + "silence_is_accounted_for_as_if_stepped"),
    Mutation("silence", "dram_clock.c", "if (sink->commands == NULL && dram_is_idle(s) &&", "if (0 && sink->commands == NULL && dram_is_idle(s) &&", DRAM_LAWS + "silence_of_hours_costs_as_much_as_of_a_microsecond"),
    Mutation("cs_dram_submit", "dram_fr_fcfs.c", "if (s->refresh_pending > 0 || s->config.closed_page ||", "if (s->config.closed_page ||", DRAM_TWIN),
    Mutation("cs_dram_stats", "dram_rules.c", "s->closing_until[rank] = dram_max(s->closing_until[rank], begins);", "s->closing_until[rank] = begins;", "tests/unit/dram/test_options.py"),
    Mutation("cs_dram_submit", "dram_round_robin.c", "return s->list[DRAM_READ].count < s->config.read_queue || waits_for(s, request, 1);", "return s->list[DRAM_READ].count < s->config.read_queue;", DRAM_TWIN),
    Mutation("cs_fabric_init", "fabric_layout.c", "(c->port_interleave_bytes % bytes == 0 && c->channel", "(c->channel", FABRIC_LIMITS),
    Mutation("cs_dram_submit", "dram.c", "if (s->arrival_count == 0 && list->count < places &&", "if (list->count < places &&", DRAM_TWIN),
    Mutation("cs_dram_submit", "dram.c", "        filled[field] += bits;\n        rest >>= bits;", "        filled[field] = bits;\n        rest >>= bits;", "tests/unit/dram/test_mapping.py"),
    Mutation("silence", "dram_clock.c", "        if (dram_ready(s, command, target * banks) > s->refresh_at) return 0;\n", "        if (target < 0) return 0;\n", DRAM_TWIN),
    Mutation("silence", "dram_clock.c", "dram_first_done(s))))\n                    continue;", "dram_first_done(s)))) {\n                }", DRAM_TWIN),
    Mutation("silence", "dram.c", "s->arrival_count == 0 && s->refresh_at > clk;", "s->arrival_count == 0 && s->refresh_at >= clk;", DRAM_TWIN),
    Mutation("silence", "dram.c", "if (quiet && (s->refresh_pending == 0 || !dram_is_idle(s)))", "if (quiet)", DRAM_TWIN),
    Mutation("cs_dram_submit", "dram.c", "if (event < clk || dram_first_done(s) < clk) return CS_ESTATE;", "if (event < clk) return CS_ESTATE;", DRAM_TWIN),
    Mutation("cs_dram_format", "dram_format.c", "(19 + 1 + 5 + 1 + 5 * (10 + 1))", "80", "tests/unit/dram/test_format.py"),
    Mutation("cs_dram_state_bytes", "dram_rules.c", "return dram_is_column(rule->preceding);", "return 1;", "tests/unit/dram/test_options.py"),
    Mutation("cs_fabric_init", "fabric_layout.c", "config->drams > 1 && config->channel_interleave_bytes % config->burst_bytes != 0", "0", "tests/unit/fabric/test_fabric.py"),
    Mutation("law 20", "noc_router.c", "--out->credits > 0;", "out->credits > 0;", NOC_LAWS + "20_21_every_place_is_somewhere"),
    Mutation("law 21", "noc_clock.c", "} else if (s->credits[s->vc] == 0) {", "} else if (s->credits[s->vc] == 255) {", NOC_LAWS + "20_21_every_place_is_somewhere"),
    Mutation("law 23", "noc.c", "v->packets[s->last].next = slot;\n        s->last = slot;", "p->next = v->packets[s->first].next;\n        v->packets[s->first].next = slot;\n        if (p->next == NOBODY) s->last = slot;", NOC_LAWS + "23_one_vc_keeps_the_order_between_two_nodes"),
    Mutation("law 23", "noc_router.c", "r->free ^= (uint64_t)1 << which;", "r->free |= (uint64_t)1 << which;", NOC_LAWS + "23_flits_of_a_packet_follow_each_other_in_a_buffer"),
    # ---- the network, whose state is not one of flits, against its twin
    Mutation("network", "noc_router.c", "ready += (in->count++ == 0) & in->credited;", "ready += in->count++ == 0;", NOC_TWIN),
    Mutation("network", "noc_router.c", "if (out->credits++ > 0) continue;", "if (out->credits++ > 1) continue;", NOC_TWIN),
    Mutation("network", "noc_router.c", "if (r->free >> (out - r->out) & 1u) continue;", "", NOC_TWIN),
    Mutation("network", "noc_router.c", "ready += owner->count > 0;", "ready += owner->count > 1;", NOC_TWIN),
    Mutation("network", "noc_router.c", "r->asked_twice |= r->asked & port;", "", NOC_TWIN),
    Mutation("network", "noc_router.c", "grants[lane] |= free & (~free + 1);", "grants[lane] = free & (~free + 1);", NOC_TWIN),
    Mutation("network", "noc_router.c", "hold(v, r, in->input * GROUP + in->vc, noc_free_of(r, in->out_port));", "hold(v, r, in->input * GROUP + in->vc, (uint64_t)1 << lowest(noc_free_of(r, in->out_port)));", NOC_TWIN),
    Mutation("network", "noc_router.c", "r->blocked |= in->bit & (0 - none);", "", NOC_TWIN),
    Mutation("network", "noc_router.c", "const int is_head = in->left + 1 == p->flits,", "const int is_head = in->left + 1 >= p->flits - 1,", NOC_TWIN),
    Mutation("network", "noc_router.c", "in->plain = (in->left > 1) & ~in->packet;", "in->plain = in->left > 1;", NOC_TWIN),
    Mutation("network", "noc_router.c", "in->plain = (in->left > 1) & ~in->packet;", "in->plain = (in->left > 0) & ~in->packet;", NOC_TWIN),
    Mutation("network", "noc_router.c", "in->plain = left > 1;", "in->plain = left > 0;", NOC_TWIN),
    Mutation("network", "noc_router.c", "if (in->count > 0) begin_packet(v, r, in);", "if (in->count > 1) begin_packet(v, r, in);", NOC_TWIN),
    Mutation("network", "noc_router.c", "in->credited = --out->credits > 0;", "--out->credits;", NOC_TWIN),
    Mutation("network", "noc_router.c", "return end + ((in->count > 0) & in->credited);", "return end + in->credited;", NOC_TWIN),
    Mutation("network", "noc_router.c", "r->clash |= r->taken & in->key;", "r->clash |= r->taken & in->key & 0xffu;", NOC_TWIN),
    Mutation("network", "noc_router.c", "r->clash |= r->taken & in->key;", "r->clash |= r->taken & in->key & ~0xffu;", NOC_TWIN),
    Mutation("network", "noc_router.c", "r->clash |= in->key;", "", NOC_TWIN),
    Mutation("network", "noc_router.c", "r->bids ^= in->bit;", "", NOC_TWIN),
    Mutation("network", "noc_router.c", "if (!sure && !in->credited) {", "if (!sure) {", NOC_TWIN),
    Mutation("network", "noc_state.h", "landings[place - 1] > (landing", "landings[place - 1] < (landing", NOC_TWIN),
    Mutation("network", "noc_look.c", "if (left == 0) left = p->flits;", "if (left == 0) left = 1;", NOC_TWIN),
    Mutation("network", "noc_look.c", " + noc_list(&v, v.heads, turn)[0];", ";", NOC_TWIN),
    Mutation("network", "noc_look.c", "pending(&v, v.flits, noc_at(&v, in), 1, WHEEL) +", "pending(&v, v.flits, noc_at(&v, in), 2, WHEEL) +", NOC_TWIN),
    Mutation("network", "noc_clock.c", "head->active = head->sources_active || (", "head->active = (", NOC_TWIN),
    Mutation("network", "noc.c", "clk < created && clk < head->quiet", "clk < created && clk + 12 < head->quiet", NOC_TWIN),
    Mutation("network", "noc_clock.c", "head->active = head->sources_active || head->routers_active;", "head->active = head->routers_active;", NOC_TWIN),
    Mutation("network", "noc_clock.c", "if (s->credits[vc] == depth) s->closed", "if (s->credits[vc] > 0) s->closed", NOC_TWIN),
    Mutation("network", "noc_clock.c", "s->closed |= (small)(1u << s->vc);", "", NOC_TWIN),
    Mutation("network", "noc_look.c", "back, landed + 1, WHEEL)", "back, landed + 1, landed + HOP_CLOCKS)", NOC_TWIN),
    Mutation("network", "noc_layout.c", "(c->speculative ? 1 : CS_NOC_MAX_VC_ALLOC_DELAY)", "CS_NOC_MAX_VC_ALLOC_DELAY", NOC_TWIN),
    Mutation("network", "noc_layout.c", "2 * c->st_final_delay + c->credit_delay <= CS_NOC_MAX_DELAYS", "c->st_final_delay + c->credit_delay <= CS_NOC_MAX_DELAYS", NOC_TWIN),
    Mutation("network", "noc_options.c", "if (in->count > 0 && in->credited) r->bids", "if (in->credited) r->bids", NOC_TWIN),
    Mutation("network", "noc_options.c", "if (out->credits < (uint32_t)v->head->config.depth) return;", "", NOC_TWIN),
    Mutation("network", "noc_options.c", "offers[lane] = (offered >> lane & 1u ? offers[lane] : 0) | bit_of(which);", "offers[lane] = bit_of(which);", NOC_TWIN),
    Mutation("network", "noc_options.c", "first_from(free, r->in[lane].accept_next)", "lowest(free)", NOC_TWIN),
    Mutation("network", "noc_options.c", "first_from(askers[which], r->out[which].grant_next)", "lowest(askers[which])", NOC_TWIN),
    Mutation("network", "noc_options.c", "(clk - e->round) % c->vc_alloc_delay != 0", "clk - e->round < c->vc_alloc_delay", NOC_TWIN),
    Mutation("network", "noc_options.c", "e->in_turn = r->waiting != 0;", "", NOC_TWIN),
    Mutation("network", "noc_options.c", "if (r->waiting && !e->in_turn) return 1;", "", NOC_TWIN),
    Mutation("network", "noc_options.c", "(e->held_lines >> line & 1u) || (", "(", NOC_TWIN),
    Mutation("network", "noc_options.c", " || (e->held_outputs >> port & 1u);", ";", NOC_TWIN),
    Mutation("network", "noc_options.c", "if (guesses || (r->bids & (r->bids - 1)))", "if (r->bids & (r->bids - 1))", NOC_TWIN),
    Mutation("network", "noc_options.c", "if (is_held(e, line, in->out_port)) return 0;", "", NOC_TWIN),
    Mutation("network", "noc_options.c", "if (!is_sure && !noc_has_free_credit(r, in->out_port)) continue;", "", NOC_TWIN),
    Mutation("network", "noc_options.c", "asking[port][1] ? asking[port][1] : asking[port][0];", "asking[port][1] | asking[port][0];", NOC_TWIN),
    Mutation("network", "noc_options.c", "is_sure = bids->outputs[line][1] != 0;", "is_sure = bids->outputs[line][0] == 0;", NOC_TWIN),
    Mutation("network", "noc_options.c", "vc + v->head->config.input_speedup;", "vc + 1;", NOC_TWIN),
    Mutation("network", "noc_options.c", "e->loaded = empty > clk ? empty : clk + 1;", "e->loaded = clk + 1;", NOC_TWIN),
    Mutation("network", "noc_options.c", "memset(e->load, 0, sizeof e->load);", "", NOC_TWIN),
    Mutation("network", "noc_options.c", "e->closed |= out_bit;", "r->free |= out_bit;", NOC_TWIN),
    Mutation("network", "noc_options.c", "goes && in->count > 0 && in->left < v->packets[in->packet >> 1].flits", "goes && in->count > 0", NOC_TWIN),
    Mutation("network", "noc_options.c", "goes && in->count > 0 && in->left", "goes && in->left", NOC_TWIN),
    Mutation("network", "noc_options.c", "e->routing | e->matched | e->held_lanes | r->bids", "e->routing | e->matched | r->bids", NOC_TWIN),
    Mutation("network", "noc_options.c", "noc_list(v, v->credits, back + delay), in->behind", "noc_list(v, v->credits, back), in->behind", NOC_TWIN),
    Mutation("network", "noc_options.c", "(size_t)there + CREDIT_CLOCKS + delay", "(size_t)clk + HOP_CLOCKS + CREDIT_CLOCKS + delay", NOC_TWIN),
]
# fmt: on


class Build:
    """The library, object by object, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.cc = os.environ.get("CC", "cc")
        self.hash = _hash()
        glue = folder / "_kernels.c"
        subprocess.run([sys.executable, str(CSRC / "build_kernels.py"), str(glue)], check=True)
        self.sources = [glue, *sorted(CSRC.glob("*.c"))]
        self.objects = {source.name: self.compile(source, CSRC, folder / f"{source.stem}.o") for source in self.sources}

    def compile(self, source: Path, include: Path, out: Path) -> Path:
        """One object; quickly, as the tests do not measure speed."""
        python = sysconfig.get_paths()["include"]
        flags = ["-std=c11", "-O1", "-ffp-contract=off", "-fno-math-errno", "-fPIC", "-DPy_LIMITED_API=0x030b0000"]
        subprocess.run([self.cc, *flags, f"-I{python}", f"-I{include}", "-c", str(source), "-o", str(out)], check=True)
        return out

    def link(self, name: str, objects: dict[str, Path]) -> Path:
        """A library of these objects."""
        library = self.folder / name
        subprocess.run([self.cc, "-shared", "-o", str(library), *map(str, objects.values()), "-lm"], check=True)
        return library

    def mutant(self, number: int, mutation: Mutation) -> Path:
        """The library with one mistake; a header's is compiled into all that include it."""
        if _hash() != self.hash:  # the package would refuse the library: that is no test that noticed
            raise SystemExit("csrc/ has changed since the start: start again")
        folder = self.folder / f"mutant{number}"
        shutil.copytree(CSRC, folder)
        file = folder / mutation.file
        text = file.read_text()
        if text.count(mutation.old) != 1:
            raise SystemExit(f"{mutation.file}: found {text.count(mutation.old)} times: {mutation.old!r}")
        file.write_text(text.replace(mutation.old, mutation.new))
        objects = dict(self.objects)
        for source in sorted(folder.glob("*.c")):
            if source.name == mutation.file or mutation.file in _included(source, folder):
                objects[source.name] = self.compile(source, folder, folder / f"{source.stem}.o")
        return self.link(f"mutant{number}.abi3.so", objects)


def _hash() -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(CSRC.glob("*.[ch]")))).hexdigest()


def _included(source: Path, folder: Path) -> set[str]:
    found: set[str] = set()
    todo = [source]
    while todo:
        for name in re.findall(r'#include "([^"]+)"', todo.pop().read_text()):
            if name not in found:
                found.add(name)
                todo.append(folder / name)
    return found


def seconds_until_green(library: Path, tests: str, timeout: float | None) -> float | None:
    """How long the tests take on this library; None if one is red, or they do not end in time."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests.split()]
    environment = {**os.environ, "COSIM_KERNELS": str(library), "HYPOTHESIS_PROFILE": "mutants"}
    start = time.monotonic()
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return None
    return time.monotonic() - start if done.returncode == 0 else None


def main(wanted: list[str]) -> int:
    """All mutations, or those whose function or file contains one of `wanted`."""
    named = [m for m in MUTATIONS if not wanted or any(word in f"{m.function} {m.file}" for word in wanted)]
    chosen = [m for m in named if m.isa in ("", *available())]
    for mutation in named:
        if mutation not in chosen:
            print(f"not here: this processor does not run {mutation.isa}: {mutation.file}: {mutation.old!r}")
    build = Build(ROOT / "build" / "mutants")
    whole = build.link("whole.abi3.so", build.objects)
    timeouts: dict[str, float] = {}

    def unharmed(tests: str) -> None:
        took = seconds_until_green(whole, tests, None)
        if took is None:
            raise SystemExit(f"{tests} fails without any mutation")
        timeouts[tests] = PATIENCE * took + 30

    def survives(numbered: tuple[int, Mutation]) -> bool:
        number, mutation = numbered
        library, start = build.mutant(number, mutation), time.monotonic()
        alive = seconds_until_green(library, mutation.tests, timeouts[mutation.tests]) is not None
        state = "SURVIVED" if alive else "killed"
        print(f"{state:8} {time.monotonic() - start:5.1f} s  {mutation.function:26} {mutation.file}: {mutation.old!r}")
        sys.stdout.flush()
        return alive

    with ThreadPoolExecutor(int(os.environ.get("JOBS") or 2)) as pool:
        list(pool.map(unharmed, sorted({m.tests for m in chosen})))
        survived = sum(pool.map(survives, enumerate(chosen)))
    print(f"{len(chosen) - survived} of {len(chosen)} killed")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
