#pragma once
// `hi6gw topics`: every topic that a configuration makes.

#include "config/loader.h"

#include <filesystem>
#include <iosfwd>

namespace hi6gw::cli {

struct TopicsOptions {
    std::filesystem::path file;
    config::Environment environment = config::process_environment();
};

// One topic a line of `out`, in the order of the configuration, fields separated by tabs:
//   direction  out (published) or in (subscribed)
//   QoS        0-2
//   retain     retain or -
//   topic      + stands for {client}
//   address    of the signal, or -
//   access     r, rw or -
// `set` and `result` exist for rw signals, `event` for those with `events: true`. A file with
// errors: they go to `err`, and 78.
int topics(const TopicsOptions& options, std::ostream& out, std::ostream& err);

}  // namespace hi6gw::cli
