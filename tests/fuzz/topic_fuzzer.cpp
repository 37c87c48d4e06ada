// Topic templates and incoming topics of any bytes: first line a template for `set`, second a
// topic. What a template makes of valid names is a valid topic; a topic that is matched is that of
// a configured signal, and the result goes nowhere that is not a topic.

#include "../unit/command/config.h"
#include "command/router.h"
#include "mqtt/topics.h"

#include <cstdlib>

namespace {

using namespace hi6gw;

void require(bool condition) {
    if (!condition) {
        std::abort();
    }
}

mqtt::TopicTemplate::Values values() {
    return {"hi6", "line1", "r1", "clamp/close", "scada"};
}

void check_template(const mqtt::TopicTemplate& made) {
    const std::string topic = made.expand(values());
    require(topic.size() > mqtt::kMaxTopicBytes || !mqtt::topic_fault(topic) || topic.empty());
    const auto ends = made.ends(values());
    if (made.uses("signal")) {
        require(ends.before + "clamp/close" + ends.after == topic);
    } else {
        require(ends.before + ends.after == topic);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);  // NOLINT: bytes
    const auto newline = text.find('\n');
    const std::string_view first = text.substr(0, newline);
    const std::string_view second =
        newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
    const auto made =
        mqtt::TopicTemplate::parse(first, {"prefix", "gateway", "controller", "signal", "client"});
    if (made) {
        check_template(*made);
    }
    static const config::Config cell = [] {
        config::Config with_client = command::test::cell();
        with_client.topics.set = "{prefix}/{controller}/set/{client}/{signal}";
        return with_client;
    }();
    static const command::Router router(cell);
    for (const std::string_view topic : {first, second}) {
        const command::Match match = router.match(topic);
        require(match.result_topic.empty() || !mqtt::topic_fault(match.result_topic));
        require(mqtt::is_utf8(match.client));
        if (match.target) {
            const auto& controller = cell.controllers[match.target->controller];
            const auto& signal = controller.signals.at(match.target->signal);
            require(topic.starts_with("hi6/" + controller.name + "/set/"));
            require(topic.ends_with("/" + signal.name));
            require(!match.result_topic.empty());
        }
    }
    return 0;
}
