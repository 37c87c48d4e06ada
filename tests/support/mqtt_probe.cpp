#include "support/mqtt_probe.h"

#include "support/temp_dir.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace hi6gw::test {
namespace {

namespace json = boost::json;

// -F: arrival in s since the epoch, the payload in hexadecimal, all else as JSON.
constexpr const char* kFormat = "%U %x %j";

constexpr std::size_t kLongestArgument = 100'000;  // of a command line, in bytes

std::string from_hex(std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    }
    return out;
}

std::string text_of(const json::object& object, std::string_view key) {
    const json::value* const found = object.if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : "";
}

void read_properties(Received& message, const json::object& properties) {
    message.response_topic = text_of(properties, "response-topic");
    message.correlation = text_of(properties, "correlation-data");
    if (const json::value* expiry = properties.if_contains("message-expiry-interval")) {
        message.expiry = expiry->to_number<std::int64_t>();
    }
    if (const json::value* user = properties.if_contains("user-properties")) {
        for (const auto& member : user->as_object()) {
            message.user_properties[std::string(member.key())] = member.value().as_string();
        }
    }
}

std::optional<Received> parse(std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t second = line.find(' ', first + 1);
    if (second == std::string_view::npos || line[second + 1] != '{') {
        return std::nullopt;
    }
    json::parse_options lenient;
    lenient.allow_invalid_utf8 = true;  // mosquitto_sub copies the payload's bytes as they are
    boost::system::error_code error;
    const json::value parsed = json::parse(line.substr(second + 1), error, {}, lenient);
    if (error) {
        throw std::runtime_error("mosquitto_sub said: " + std::string(line));
    }
    const json::object& object = parsed.as_object();
    Received message;
    message.topic = text_of(object, "topic");
    message.payload = from_hex(line.substr(first + 1, second - first - 1));
    message.qos = object.at("qos").to_number<int>();
    message.retain = object.at("retain").to_number<int>() != 0;
    const double arrived = std::stod(std::string(line.substr(0, first)));
    message.arrived = std::chrono::system_clock::time_point(
        std::chrono::microseconds(std::llround(arrived * 1e6)));
    if (const json::value* properties = object.if_contains("properties")) {
        read_properties(message, properties->as_object());
    }
    return message;
}

std::vector<std::string> client(const char* program, const Broker& broker) {
    std::vector<std::string> argv{
        "stdbuf", "-oL", program, "-h", "127.0.0.1", "-p", std::to_string(broker.port())};
    if (!broker.options().username.empty()) {
        argv.insert(argv.end(), {"-u", broker.options().username, "-P", broker.options().password});
    }
    return argv;
}

}  // namespace

MqttProbe::MqttProbe(const Broker& broker, std::vector<std::string> filters, Retain retain) {
    ProcessOptions options;
    options.argv = client("mosquitto_sub", broker);
    options.argv.insert(options.argv.end(), {"-d", "-V", "5", "-q", "1", "-F", kFormat});
    if (retain == Retain::as_published) {
        options.argv.emplace_back("--retain-as-published");
    }
    for (const std::string& filter : filters) {
        options.argv.insert(options.argv.end(), {"-t", filter});
    }
    options.on_line = [this](std::string_view line) { on_line(line); };
    process_ = std::make_unique<Process>(std::move(options));
    if (!wait_for_subscriptions(1, std::chrono::seconds(10))) {
        throw std::runtime_error("mosquitto_sub does not get through: " + process_->out() +
                                 process_->err());
    }
}

void MqttProbe::on_line(std::string_view line) {
    const std::lock_guard lock(mutex_);
    if (line.starts_with("Subscribed (")) {
        ++subscriptions_;
    } else if (!line.starts_with("Client ")) {
        if (std::optional<Received> message = parse(line)) {
            messages_.push_back(std::move(*message));
        }
    }
    changed_.notify_all();
}

std::vector<Received> MqttProbe::messages() const {
    const std::lock_guard lock(mutex_);
    return messages_;
}

std::vector<Received> MqttProbe::messages(const std::string& topic) const {
    std::vector<Received> some = messages();
    std::erase_if(some, [&topic](const Received& message) { return message.topic != topic; });
    return some;
}

std::map<std::string, Received> MqttProbe::latest() const {
    std::map<std::string, Received> newest;
    for (Received& message : messages()) {
        newest[message.topic] = std::move(message);
    }
    return newest;
}

std::size_t MqttProbe::count() const {
    const std::lock_guard lock(mutex_);
    return messages_.size();
}

void MqttProbe::forget() {
    const std::lock_guard lock(mutex_);
    messages_.clear();
}

std::vector<Received> MqttProbe::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(messages_, {});
}

bool MqttProbe::wait_until(const Predicate& done, std::chrono::milliseconds limit) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [this, &done] { return done(messages_); });
}

bool MqttProbe::wait_for(const std::string& topic, std::string_view payload,
                         std::chrono::milliseconds limit) const {
    const auto is_it = [&](const Received& message) {
        return message.topic == topic && message.payload == payload;
    };
    return wait_until(
        [&is_it](const std::vector<Received>& all) {
            return std::any_of(all.begin(), all.end(), is_it);
        },
        limit);
}

bool MqttProbe::wait_for_count(std::size_t count, std::chrono::milliseconds limit) const {
    return wait_until([count](const std::vector<Received>& all) { return all.size() >= count; },
                      limit);
}

bool MqttProbe::wait_for_subscriptions(int count, std::chrono::milliseconds limit) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [this, count] { return subscriptions_ >= count; });
}

void publish(const Broker& broker, const std::string& topic, const std::string& payload,
             const PublishOptions& options) {
    const TempDir directory;
    std::vector<std::string> argv = client("mosquitto_pub", broker);
    const auto property = [&argv](const std::string& name, const std::string& value) {
        argv.insert(argv.end(), {"-D", "publish", name, value});
    };
    argv.insert(argv.end(), {"-V", options.version_5 ? "5" : "311", "-q",
                             std::to_string(options.qos), "-t", topic});
    if (payload.empty()) {
        argv.emplace_back("-n");
    } else if (payload.size() < kLongestArgument && payload.find('\0') == std::string::npos) {
        argv.insert(argv.end(), {"-m", payload});
    } else {
        argv.insert(argv.end(), {"-f", directory.file("payload", payload).string()});
    }
    if (options.retain) {
        argv.emplace_back("-r");
    }
    if (!options.response_topic.empty()) {
        property("response-topic", options.response_topic);
    }
    if (!options.correlation.empty()) {
        property("correlation-data", options.correlation);
    }
    if (options.expiry) {
        property("message-expiry-interval", std::to_string(*options.expiry));
    }
    for (const auto& [name, value] : options.user_properties) {
        argv.insert(argv.end(), {"-D", "publish", "user-property", name, value});
    }
    const Finished finished = run(std::move(argv));
    if (finished.status != 0) {
        throw std::runtime_error("mosquitto_pub: " + finished.out + finished.err);
    }
}

}  // namespace hi6gw::test
