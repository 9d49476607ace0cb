#include "isa.h"

int32_t cs_isa_supported(int32_t isa, int32_t *supported) {
    if (supported == NULL || isa < 0 || isa >= CS_ISA_LEVELS) return CS_EINVAL;
    if (!cs_aligned(CS_ADDRESS(supported), sizeof(uint32_t))) return CS_EBUFFER;
    *supported = cs_isa_usable(isa);
    return CS_OK;
}
