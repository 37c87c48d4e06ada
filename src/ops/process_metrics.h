#pragma once
// The conventional process_* metrics of Prometheus' client libraries, read from /proc when asked
// for.

#include <prometheus/metric_family.h>

#include <vector>

namespace hi6gw::ops {

// Adds those that could be read; a missing /proc costs the metrics, nothing else.
void add_process_metrics(std::vector<prometheus::MetricFamily>& families);

}  // namespace hi6gw::ops
