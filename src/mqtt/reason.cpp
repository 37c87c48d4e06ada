#include "mqtt/reason.h"

#include <MQTTAsync.h>  // includes MQTTReasonCodes.h as C, which that does not do by itself

#include <array>
#include <cstdio>

namespace hi6gw::mqtt {
namespace {

constexpr int kOldVersion = 1;
constexpr int kOldUnavailable = 3;
constexpr int kOldLast = 5;

std::string with_number(const std::string& name, int code) {
    std::array<char, 16> number{};
    std::snprintf(number.data(), number.size(), " (0x%02X)", static_cast<unsigned>(code));
    return name + number.data();
}

}  // namespace

std::string reason_name(int code) {
    const char* const name = ::MQTTReasonCode_toString(static_cast<MQTTReasonCodes>(code));
    return with_number(name != nullptr ? name : "unknown reason", code);
}

std::string connack_name(int code) {
    static constexpr std::array<const char*, 6> kOld{
        "accepted",           "unacceptable protocol version", "identifier rejected",
        "server unavailable", "bad user name or password",     "not authorized"};
    if (code >= 0 && code <= kOldLast) {
        return with_number(kOld.at(static_cast<std::size_t>(code)), code);
    }
    return reason_name(code);
}

bool refuses_version(int code) {
    return code == kOldVersion || code == MQTTREASONCODE_UNSUPPORTED_PROTOCOL_VERSION;
}

bool is_refusal(int code) {
    return code > 0 && code != kOldUnavailable && code != MQTTREASONCODE_SERVER_UNAVAILABLE &&
           code != MQTTREASONCODE_SERVER_BUSY && code != MQTTREASONCODE_SERVER_SHUTTING_DOWN;
}

}  // namespace hi6gw::mqtt
