#include "cli/topics.h"

#include "cli/check.h"
#include "mqtt/topics.h"

#include <ostream>
#include <string>
#include <string_view>

namespace hi6gw::cli {

namespace {

constexpr int kControlQos = 1;  // all but states (design contract sections 4 and 5)

struct Line {
    std::string_view direction;
    int qos = kControlQos;
    bool retain = false;
    std::string topic;
    std::string address = "-";
    std::string_view access = "-";
};

void print(std::ostream& out, const Line& line) {
    out << line.direction << '\t' << line.qos << '\t' << (line.retain ? "retain" : "-") << '\t'
        << line.topic << '\t' << line.address << '\t' << line.access << '\n';
}

class Lister {
  public:
    Lister(const config::Config& config, std::ostream& out) : config_(config), out_(out) {}

    void run() {
        const auto& topics = config_.topics;
        print(out_, {"out", kControlQos, true, name(topics.gateway, "", ""), "-", "-"});
        for (const auto& controller : config_.controllers) {
            print(out_,
                  {"out", kControlQos, true, name(topics.status, controller.name, ""), "-", "-"});
            if (has_events(controller)) {
                print(out_,
                      {"out", kControlQos, false, name(topics.gap, controller.name, ""), "-", "-"});
            }
            for (const auto& signal : controller.signals) {
                list(controller, signal);
            }
        }
    }

  private:
    void list(const config::Controller& controller, const config::Signal& signal) {
        const auto& topics = config_.topics;
        const auto& options = *signal.options;
        Line line{"out",
                  options.qos,
                  options.retain,
                  name(topics.state, controller.name, signal.name),
                  hi6::to_string(signal.address),
                  options.writable ? "rw" : "r"};
        print(out_, line);
        line.retain = false;
        line.qos = kControlQos;
        if (options.events) {
            line.topic = name(topics.event, controller.name, signal.name);
            print(out_, line);
        }
        if (options.writable) {
            line.topic = name(topics.result, controller.name, signal.name);
            print(out_, line);
            line.direction = "in";
            line.topic = name(topics.set, controller.name, signal.name);
            print(out_, line);
        }
    }

    // The loader has parsed the template with the placeholders of its kind, so this cannot fail.
    [[nodiscard]] std::string name(const std::string& text, std::string_view controller,
                                   std::string_view signal) const {
        const auto parsed = mqtt::TopicTemplate::parse(
            text, {"prefix", "gateway", "controller", "signal", "client"});
        return parsed.value().filter(
            {config_.topics.prefix, config_.gateway.id, controller, signal, {}});
    }

    const config::Config& config_;
    std::ostream& out_;
};

}  // namespace

int topics(const TopicsOptions& options, std::ostream& out, std::ostream& err) {
    const auto loaded = config::load(options.file, options.environment);
    for (const auto& problem : loaded.problems) {
        err << to_string(problem) << '\n';
    }
    if (!loaded.config) {
        return kExitConfig;
    }
    Lister(*loaded.config, out).run();
    return 0;
}

}  // namespace hi6gw::cli
