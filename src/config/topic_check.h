#pragma once
// Whether the topics of a configuration are good names and all different. The loader's own.

#include "config/signals.h"

#include <vector>

namespace hi6gw::config {

// `section`: the `topics` of the file (may be null when there is none). `origins`: of each
// controller's signals, for what the templates alone do not explain. `root` is where problems are
// shown when nothing else explains them.
void check_topics(Report& report, const Config& config, const Place& root, const Section* section,
                  const std::vector<std::vector<Origin>>& origins);

}  // namespace hi6gw::config
