#include "cli/check.h"

#include "hi6/read_plan.h"

#include <algorithm>
#include <ostream>
#include <set>
#include <string>
#include <vector>

namespace hi6gw::cli {

namespace {

// Requests that read every signal of the controller once.
std::size_t requests(const config::Controller& controller) {
    std::vector<hi6::Extent> blocks;
    std::set<hi6::Address> singles;
    for (const auto& signal : controller.signals) {
        const auto& address = signal.address;
        if (controller.block_read == config::BlockMode::off || !hi6::has_block_read(address.area)) {
            singles.insert(address);
        } else {
            blocks.push_back({address.area, hi6::first_byte(address, controller.index_unit),
                              hi6::width_bytes(address.width)});
        }
    }
    return singles.size() + hi6::cover(blocks, controller.max_block_words).size();
}

std::string counted(std::size_t count, const std::string& noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string contents(const config::Config& config) {
    std::size_t signals = 0;
    std::size_t sweep = 0;
    for (const auto& controller : config.controllers) {
        signals += controller.signals.size();
        sweep += requests(controller);
    }
    return counted(config.controllers.size(), "controller") + ", " + counted(signals, "signal") +
           ", " + counted(sweep, "request") + " per sweep";
}

}  // namespace

int check(const CheckOptions& options, std::ostream& out, std::ostream& /*err*/) {
    const auto loaded = config::load(options.file, options.environment);
    std::size_t warnings = 0;
    for (const auto& problem : loaded.problems) {
        warnings += problem.warning ? 1U : 0U;
        out << to_string(problem) << '\n';
    }
    const auto errors = loaded.problems.size() - warnings;
    out << (loaded.config ? "good: " + contents(*loaded.config)
                          : "bad: " + counted(errors, "error"))
        << (warnings > 0 ? ", " + counted(warnings, "warning") : "") << '\n';
    return loaded.config ? 0 : kExitConfig;
}

}  // namespace hi6gw::cli
