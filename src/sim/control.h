#pragma once
// The control interface: what `hi6sim --help` lists, as a function of request to reply. Acts on the
// simulator; takes any bytes.

#include "sim/api.h"

#include <string_view>

namespace hi6gw::sim {

class Simulator;

[[nodiscard]] Reply handle_control(Simulator& simulator, std::string_view method,
                                   std::string_view target, std::string_view body);

}  // namespace hi6gw::sim
