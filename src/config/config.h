#pragma once
// The configuration after validation: plain structs, nothing left to check. Source: design contract
// section 2; config/README.md documents every key. Loaded by config/loader.h.

#include "domain/signal_options.h"
#include "hi6/address.h"

#include <boost/iterator/indirect_iterator.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hi6gw::config {

// A password or the like: never printed; it has no operator<<, no formatter, and compares only for
// reload.
class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string text) : text_(std::move(text)) {}
    [[nodiscard]] const std::string& reveal() const { return text_; }
    [[nodiscard]] bool empty() const { return text_.empty(); }
    bool operator==(const Secret&) const = default;

  private:
    std::string text_;
};

struct Gateway {
    std::string id;
    std::filesystem::path state_dir;
    bool operator==(const Gateway&) const = default;
};

struct Log {
    std::string level = "info";   // trace debug info warn error
    std::string format = "auto";  // auto text json
    bool operator==(const Log&) const = default;
};

struct Http {  // the operations server
    bool enabled = true;
    std::string host = "127.0.0.1";
    std::uint16_t port = 9464;
    bool operator==(const Http&) const = default;
};

struct Tls {
    std::string ca_file;    // empty: the system's CA store
    std::string cert_file;  // client certificate, with key_file
    std::string key_file;
    std::string server_name;  // expected in the broker's certificate; default: the host of the URL
    bool operator==(const Tls&) const = default;
};

struct Mqtt {
    bool tls_enabled = false;  // mqtts://
    std::string host = "127.0.0.1";
    std::uint16_t port = 1883;
    int version = 5;  // 5: falls back to 3.1.1 where the broker refuses it; 3: 3.1.1 only
    std::string client_id;
    std::string username;
    Secret password;
    std::string password_file;  // where `password` was read from, for reload; else empty
    Tls tls;
    std::chrono::seconds keep_alive{15};
    std::uint32_t window =
        100;  // QoS 1 and 2 messages in flight; lowered to the broker's Receive Maximum
    bool operator==(const Mqtt&) const = default;
};

struct Topics {  // templates; {prefix} {gateway} {controller} {signal}, and {client} in `set`
    std::string prefix = "hi6";
    std::string state = "{prefix}/{controller}/state/{signal}";
    std::string event = "{prefix}/{controller}/event/{signal}";
    std::string set = "{prefix}/{controller}/set/{signal}";
    std::string result = "{prefix}/{controller}/result/{signal}";
    std::string status = "{prefix}/{controller}/status";
    std::string gap = "{prefix}/{controller}/event";  // which events are missing
    std::string gateway = "{prefix}/gateway/{gateway}/status";
    bool operator==(const Topics&) const = default;
};

enum class PayloadFormat : std::uint8_t { json, raw };
enum class CommandMode : std::uint8_t { enabled, dry_run, disabled };
enum class BlockMode : std::uint8_t { automatic, on, off };

struct Commands {
    CommandMode mode = CommandMode::enabled;
    std::chrono::milliseconds ttl{3000};
    bool operator==(const Commands&) const = default;
};

struct Events {  // the journal of events, where a signal has them
    std::uint64_t max_size = std::uint64_t{256} << 20U;  // bytes on the disk
    std::chrono::milliseconds max_age = std::chrono::hours(168);
    std::chrono::milliseconds commit{20};  // longest time that an event is in memory only
    bool operator==(const Events&) const = default;
};

struct Signal {
    std::string name;
    hi6::Address address;
    std::shared_ptr<const domain::SignalOptions>
        options;  // never null; shared by the signals of one entry

    bool operator==(const Signal& other) const {
        return name == other.name && address == other.address && *options == *other.options;
    }
};

struct Controller {
    std::string name;
    std::string host;
    std::uint16_t port = 8888;
    std::chrono::milliseconds timeout{1000};  // one request, connect included
    double max_load = 0.5;  // share of time that the controller may be busy serving us; (0, 1]
    BlockMode block_read = BlockMode::automatic;
    hi6::IndexUnit index_unit = hi6::IndexUnit::byte;
    std::string system_version;          // of the one that is meant; empty: whoever answers
    std::uint32_t max_block_words = 30;  // 1..; longest block read in 32-bit words (key: max_block)
    std::vector<Signal> signals;
    bool operator==(const Controller&) const = default;
};
[[nodiscard]] inline bool has_events(const Controller& controller) {
    return std::any_of(controller.signals.begin(), controller.signals.end(),
                       [](const Signal& signal) { return signal.options->events; });
}

// Each controller is held for itself, so that whoever serves one keeps that one alive and nothing
// else, and a configuration that is read again shares what has not changed.
class Controllers {
  public:
    using Storage = std::vector<std::shared_ptr<Controller>>;
    using Iterator = boost::indirect_iterator<Storage::const_iterator, const Controller>;

    Controller& emplace_back() { return *list_.emplace_back(std::make_shared<Controller>()); }
    void push_back(Controller controller) { emplace_back() = std::move(controller); }
    void pop_back() { list_.pop_back(); }
    // Holds an equal one of `other` in place of each own: what is the same object is unchanged.
    void share_equal(const Controllers& other);

    [[nodiscard]] std::size_t size() const { return list_.size(); }
    [[nodiscard]] bool empty() const { return list_.empty(); }
    [[nodiscard]] const Controller& operator[](std::size_t at) const { return *list_[at]; }
    [[nodiscard]] Controller& operator[](std::size_t at) {  // to change it: a copy if shared
        if (list_[at].use_count() > 1) {
            list_[at] = std::make_shared<Controller>(*list_[at]);
        }
        return *list_[at];
    }
    [[nodiscard]] std::shared_ptr<const Controller> share(std::size_t at) const {
        return list_[at];
    }
    [[nodiscard]] Iterator begin() const { return Iterator(list_.begin()); }
    [[nodiscard]] Iterator end() const { return Iterator(list_.end()); }
    bool operator==(const Controllers& other) const {
        return std::equal(begin(), end(), other.begin(), other.end());
    }

  private:
    Storage list_;
};

struct Config {
    Gateway gateway;
    Log log;
    Http http;
    Mqtt mqtt;
    Topics topics;
    PayloadFormat payload = PayloadFormat::json;
    Commands commands;
    Events events;
    Controllers controllers;
    bool operator==(const Config&) const = default;
};

}  // namespace hi6gw::config
