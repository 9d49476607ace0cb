/* Command traces as text. */
#include "dram_state.h"

/* A clock of 19 digits, a name of 5 letters, five numbers of 10 digits, each with a character behind it. */
#define LINE_MAX_BYTES (19 + 1 + 5 + 1 + 5 * (10 + 1))

static char *put_number(char *at, int64_t value) {
    char digits[20];
    int32_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

static char *put_field(char *at, int64_t value) {
    *at++ = ',';
    return value < 0 ? at : put_number(at, value);
}

int32_t cs_dram_format(const cs_dram_command *commands, size_t count, size_t *position, char *text, size_t capacity,
                       size_t *used) {
    static const char *const names[CS_DRAM_COMMANDS] = {"ACT", "PRE", "PREA", "RD", "WR", "REF", "REFPB", "RDA", "WRA"};
    if ((commands == NULL && count > 0) || position == NULL || text == NULL || used == NULL) return CS_EINVAL;
    if (!CS_IS_ALIGNED(commands) || !CS_IS_ALIGNED(position) || !CS_IS_ALIGNED(used)) return CS_EBUFFER;
    char *at = text;
    *used = 0;
    for (; *position < count; ++*position) {
        const cs_dram_command *command = &commands[*position];
        if (command->command < 0 || command->command >= CS_DRAM_COMMANDS || command->clk < 0) return CS_EINVAL;
        if (capacity - (size_t)(at - text) < LINE_MAX_BYTES) return CS_FULL;
        at = put_number(at, command->clk);
        *at++ = ',';
        for (const char *name = names[command->command]; *name != '\0'; ++name)
            *at++ = *name;
        at = put_field(at, command->rank);
        at = put_field(at, command->group);
        at = put_field(at, command->bank);
        at = put_field(at, command->row);
        at = put_field(at, command->column);
        *at++ = '\n';
        *used = (size_t)(at - text);
    }
    return CS_OK;
}
