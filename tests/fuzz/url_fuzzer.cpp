// Addresses of brokers, controllers and the operations server, of any bytes: what is accepted has a
// host and a port, and nothing of it is lost.

#include "config/loader.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

// As a single-quoted scalar, in which only the quote itself is special.
std::string quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        out += c;
        if (c == '\'') {
            out += c;
        }
    }
    return out + "'";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace hi6gw;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const config::Environment environment{
        [](const std::string&) { return std::optional<std::string>(); }, "host"};
    const std::string rest =
        "\n    signals: [{name: a, address: fb2.di3}]\nhttp: {listen: 127.0.0.1:0}\n";
    const auto broker = config::load_text("mqtt: {url: " + quoted(text) +
                                              "}\ncontrollers:\n  - name: r1\n    url: "
                                              "http://127.0.0.1:8888" +
                                              rest,
                                          "/nonexistent/fuzz.yaml", environment);
    if (broker.config && (broker.config->mqtt.host.empty() || broker.config->mqtt.port == 0)) {
        std::abort();
    }
    const auto controller =
        config::load_text("controllers:\n  - name: r1\n    url: " + quoted(text) + rest,
                          "/nonexistent/fuzz.yaml", environment);
    if (controller.config && (controller.config->controllers[0].host.empty() ||
                              controller.config->controllers[0].port == 0)) {
        std::abort();
    }
    (void)config::load_text("http: {listen: " + quoted(text) +
                                "}\ncontrollers:\n  - name: r1\n    url: http://127.0.0.1:8888\n"
                                "    signals: [{name: a, address: fb2.di3}]\n",
                            "/nonexistent/fuzz.yaml", environment);
    return 0;
}
