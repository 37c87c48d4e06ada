#pragma once
// All that belongs to one configured controller.

#include "hi6/controller_client.h"
#include "ops/metrics.h"
#include "poll/lane.h"
#include "poll/wire.h"

#include <memory>

namespace hi6gw::app {

struct Station {
    std::unique_ptr<ops::ControllerMetrics> metrics;
    std::unique_ptr<hi6::ControllerClient> client;
    std::unique_ptr<poll::Wire> wire;
    std::unique_ptr<poll::Lane> lane;
};

}  // namespace hi6gw::app
