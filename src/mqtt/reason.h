#pragma once
// Names of the codes a broker answers with, for people. Pure.

#include <string>

namespace hi6gw::mqtt {

// MQTT 5.0 section 2.4: "Not authorized (0x87)".
std::string reason_name(int code);
// CONNACK: MQTT 5 reason codes, or the return codes 1 to 5 of MQTT 3.1.1 section 3.2.2.3, which is
// also how a broker without MQTT 5 answers it.
std::string connack_name(int code);
// It does not speak this version.
bool refuses_version(int code);
// Trying again soon cannot help: credentials, client id, ban. Not so for "server unavailable".
bool is_refusal(int code);

}  // namespace hi6gw::mqtt
