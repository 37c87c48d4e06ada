#pragma once
// Which signal a set topic means. Exact look-up of a name of the configuration; nothing of a
// topic is ever used for more than finding a signal and naming a result topic. Pure.

#include "config/config.h"
#include "mqtt/topics.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hi6gw::command {

struct Target {
    std::size_t controller = 0;  // indices into the configuration
    std::size_t signal = 0;
};

struct Match {
    std::optional<Target> target;  // empty: no such signal
    std::string result_topic;      // empty: not even one of our set topics; nobody can be told
    std::string client;            // the {client} level; empty without one
};

class Router {
  public:
    static constexpr std::size_t kLongestClient = 128;  // bytes
    static constexpr std::size_t kLongestName = 256;    // of an unknown signal that gets a result

    // `config` must outlive the router. Templates have been validated by the loader.
    explicit Router(const config::Config& config);

    // Any bytes.
    [[nodiscard]] Match match(std::string_view topic) const;
    // What to subscribe to: one filter a controller where the template allows it (so that a
    // misspelt signal is answered), else one a signal. Never a filter that takes in what the
    // gateway itself publishes: MQTT 3.1.1 has no no-local.
    [[nodiscard]] const std::vector<std::string>& filters() const { return filters_; }
    // Whether commands may write there, under the name `signal` or, if that is empty, under any:
    // the barrier for what was decided under another configuration (the pulse journal, a reload).
    [[nodiscard]] std::optional<Target> find_writable(std::string_view controller,
                                                      const hi6::Address& address,
                                                      std::string_view signal = {}) const;
    // Response topics must begin with this: "{prefix}/reply/".
    [[nodiscard]] const std::string& reply_prefix() const { return reply_prefix_; }

  private:
    using Ends = mqtt::TopicTemplate::Ends;
    [[nodiscard]] Match match_key(std::string_view key, std::string_view client) const;
    [[nodiscard]] std::optional<std::size_t> find(std::size_t controller,
                                                  std::string_view name) const;
    void add_filters(std::size_t controller, const std::vector<std::string>& published);

    const config::Config& config_;
    std::vector<Ends> set_;  // a controller's; {client} is "+"
    std::vector<Ends> result_;
    bool has_client_ = false;
    std::vector<std::size_t> client_levels_;  // where {client} stands, counted from 0; mostly one
    // A controller's signals in the order of their names: a plant has many, and a set topic each
    // would be most of the memory that a signal takes.
    std::vector<std::vector<std::uint32_t>> by_name_;
    std::vector<std::string> filters_;
    std::string reply_prefix_;
};

}  // namespace hi6gw::command
