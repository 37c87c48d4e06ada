#pragma once
// Values as people read them: as they are published.

#include "domain/value.h"
#include "mqtt/payload.h"

#include <string>

namespace hi6gw::cli {

[[nodiscard]] inline std::string text_of(const domain::Value& value) {
    std::string out;
    mqtt::append_value(out, value);
    return out;
}

}  // namespace hi6gw::cli
