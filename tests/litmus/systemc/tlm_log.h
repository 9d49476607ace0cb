// What the programs about TLM-2.0 share.
#pragma once
#include "log.h"

#include <tlm>
#include <tlm_utils/multi_passthrough_initiator_socket.h>
#include <tlm_utils/multi_passthrough_target_socket.h>
#include <tlm_utils/passthrough_target_socket.h>
#include <tlm_utils/peq_with_cb_and_phase.h>
#include <tlm_utils/peq_with_get.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

using Payload = tlm::tlm_generic_payload;
using Phase = tlm::tlm_phase;
using Sync = tlm::tlm_sync_enum;
using Dmi = tlm::tlm_dmi;

inline std::string name_of(const Phase &phase) {
    return phase.get_name();
}
inline std::string name_of(Sync sync) {
    return sync == tlm::TLM_ACCEPTED ? "ACCEPTED" : sync == tlm::TLM_UPDATED ? "UPDATED" : "COMPLETED";
}
inline std::string hex(const unsigned char *bytes, unsigned length) {
    std::string text;
    char pair[3];
    for (unsigned i = 0; i < length; i++) {
        std::snprintf(pair, sizeof pair, "%02x", bytes[i]);
        text += pair;
    }
    return text;
}
inline void set_up(Payload &payload, tlm::tlm_command command, unsigned long long address, unsigned char *data,
                   unsigned length) {
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(data);
    payload.set_data_length(length);
    payload.set_streaming_width(length);
    payload.set_byte_enable_ptr(nullptr);
    payload.set_byte_enable_length(0);
    payload.set_dmi_allowed(false);
    payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
}
