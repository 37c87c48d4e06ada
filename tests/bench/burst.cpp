// Many messages at once: all inputs of a controller flip, a broker comes back. Beside Paho alone
// with the same window, which says no more than these messages.

#include "bench.h"
#include "wire.h"

#include <mqtt/async_client.h>

#include <MQTTAsync.h>

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <unordered_map>

namespace hi6gw::bench {
namespace {

using namespace std::chrono_literals;
using test::Broker;
using test::Gateway;
using test::Simulator;

constexpr int kBlocks = 10;
constexpr int kBits = 960;  // of a block
constexpr std::size_t kInputs = std::size_t{kBlocks} * kBits;
constexpr int kWindow = 100;
constexpr int kFlips = 5;

test::BrokerOptions open_broker() {
    test::BrokerOptions options = quiet_broker();
    options.config.emplace_back("max_inflight_messages 0");  // the window is the client's alone
    return options;
}

std::string all_inputs() {
    std::string yaml;
    for (int block = 0; block < kBlocks; ++block) {
        const std::string number = std::to_string(block);
        yaml += "      - {name: \"in" + number + "/{i}\", address: \"fb" + number +
                ".di{i}\", for: 0..959}\n";
    }
    return yaml;
}

// Every bit of every input, at once; `turned`: each the other way round.
void set_inputs(const Simulator& simulator, bool turned) {
    std::string values;
    for (int byte = 0; byte < kBits / 8; ++byte) {
        const int value = byte % 127 + 1;
        values += (byte == 0 ? "" : ",") + std::to_string(turned ? 255 - value : value);
    }
    std::string body;
    for (int block = 0; block < kBlocks; ++block) {
        body += (block == 0 ? "[" : ",") + (R"({"name":"fb)" + std::to_string(block)) +
                R"(.dib0","values":[)" + values + "]}";
    }
    const auto reply = test::http_request(simulator.control_port(), "POST", "/memory", body + "]");
    if (reply.status != 200) {
        throw std::runtime_error("setting the inputs: " + reply.body);
    }
}

struct Burst {
    Steady::time_point first;
    Steady::time_point last;
    std::unordered_map<std::string, std::string> latest;
    [[nodiscard]] double seconds() const { return Seconds(last - first).count(); }
};

// Until `count` different topics have come.
Burst take_burst(Subscriber& subscriber, std::size_t count) {
    Burst burst;
    const auto any = [](const Message& /*message*/) { return true; };
    Message message;
    while (burst.latest.size() < count) {
        if (!subscriber.next(any, message, Steady::now() + 20s)) {
            throw std::runtime_error(std::to_string(burst.latest.size()) + " of " +
                                     std::to_string(count) + " messages came");
        }
        if (burst.latest.empty()) {
            burst.first = message.arrived;
        }
        burst.last = message.arrived;
        burst.latest[message.topic] = message.payload;
    }
    return burst;
}

// Paho at its simplest: as many publish() as the window has room for.
class BarePublisher final : public ::mqtt::iaction_listener {
  public:
    explicit BarePublisher(std::uint16_t port)
        : client_("tcp://127.0.0.1:" + std::to_string(port), "bare") {
        ::mqtt::connect_options options;
        options.set_max_inflight(65000);
        client_.connect(options)->wait();
    }
    BarePublisher(const BarePublisher&) = delete;
    BarePublisher& operator=(const BarePublisher&) = delete;
    ~BarePublisher() override { client_.disconnect()->wait(); }

    void publish_all(const std::unordered_map<std::string, std::string>& messages) {
        std::unique_lock lock(mutex_);
        for (const auto& [topic, payload] : messages) {
            changed_.wait(lock, [this] { return in_flight_ < kWindow; });
            ++in_flight_;
            lock.unlock();
            client_.publish(::mqtt::message::create(topic, payload, 1, true), nullptr, *this);
            lock.lock();
        }
        changed_.wait(lock, [this] { return in_flight_ == 0; });
    }

  private:
    void on_success(const ::mqtt::token& /*which*/) override { acknowledged(); }
    void on_failure(const ::mqtt::token& /*which*/) override { acknowledged(); }
    void acknowledged() {
        const std::lock_guard lock(mutex_);
        --in_flight_;
        changed_.notify_one();
    }

    ::mqtt::async_client client_;
    std::mutex mutex_;
    std::condition_variable changed_;
    int in_flight_ = 0;
};

// As Paho comes, it writes a trace into a ring in memory, which takes its time and which the
// gateway has turned off.
enum class Trace : std::uint8_t { on, off };

double bare_rate(const Broker& broker, Subscriber& subscriber,
                 const std::unordered_map<std::string, std::string>& messages, int times,
                 Trace trace) {
    MQTTAsync_setTraceLevel(trace == Trace::on ? MQTTASYNC_TRACE_MINIMUM : MQTTASYNC_TRACE_ERROR);
    BarePublisher publisher(broker.port());
    double seconds = 0;
    for (int n = 0; n < times; ++n) {
        std::exception_ptr failure;
        std::thread sending([&] { publisher.publish_all(messages); });
        try {
            seconds += take_burst(subscriber, messages.size()).seconds();
        } catch (...) {
            failure = std::current_exception();
        }
        sending.join();
        if (failure) {
            std::rethrow_exception(failure);
        }
    }
    return static_cast<double>(messages.size()) * times / seconds;
}

std::string yaml_of(const Broker& broker, const Simulator& simulator) {
    return gateway_yaml(broker, simulator, "100ms", "    max_load: 100%\n", all_inputs());
}

}  // namespace

void measure_burst(Report& report) {
    const Broker broker(open_broker());
    const Simulator simulator({"--get-time", "0", "--quiet"});
    set_inputs(simulator, false);
    Subscriber subscriber(broker.port(), "hi6/r1/state/#");
    double seconds = 0;
    std::unordered_map<std::string, std::string> messages;
    {
        const Gateway gateway(yaml_of(broker, simulator));
        messages = take_burst(subscriber, kInputs).latest;
        for (int flip = 1; flip <= kFlips; ++flip) {
            set_inputs(simulator, flip % 2 == 1);
            const Burst burst = take_burst(subscriber, kInputs);
            seconds += burst.seconds();
            for (const auto& [topic, payload] : burst.latest) {
                if (payload == messages.at(topic)) {
                    throw std::runtime_error("not flipped: " + topic);
                }
            }
            messages = burst.latest;
        }
    }
    subscriber.drop_until(Steady::now() + 1s);
    const double ours = static_cast<double>(kInputs) * kFlips / seconds;
    const double bare = bare_rate(broker, subscriber, messages, kFlips, Trace::on);
    const double bare_untraced = bare_rate(broker, subscriber, messages, kFlips, Trace::off);
    report.section("8. All 9,600 inputs flip at once: QoS 1, window 100, polled every 100 ms");
    report.add("hi6gw, first to last message", "messages/s", ours);
    report.add("Paho alone, the same messages and window", "messages/s", bare);
    report.add("ratio", "", ours / bare, ">= 0.8");
    report.add("Paho alone, its trace turned off as ours", "messages/s", bare_untraced);
    report.add("ratio to that", "", ours / bare_untraced, ">= 0.8");
}

void measure_reconnect(Report& report) {
    Broker broker(open_broker());
    const Simulator simulator({"--get-time", "0", "--quiet"});
    set_inputs(simulator, false);
    const Gateway gateway(gateway_yaml(
        broker, simulator, "100ms", "    max_load: 100%\n",
        all_inputs() + "      - {name: \"out/{i}\", address: \"fb0.do{i}\", for: 0..399}\n"));
    constexpr std::size_t kSignals = kInputs + 400;
    {
        Subscriber subscriber(broker.port(), "hi6/r1/state/#");
        take_burst(subscriber, kSignals);
    }
    broker.kill();
    broker.start();
    Subscriber subscriber(broker.port(), "hi6/r1/state/#");
    const Burst burst = take_burst(subscriber, kSignals);
    subscriber.drop_until(Steady::now() + 1s);
    const double bare = bare_rate(broker, subscriber, burst.latest, 1, Trace::off);
    report.section("10. A broker comes back: everything is said again, 10,000 signals, window 100");
    report.add("hi6gw, first to last message", "s", burst.seconds(), "<= 1");
    report.add("Paho alone (its trace off), the same messages and window", "s",
               static_cast<double>(kSignals) / bare);
}

}  // namespace hi6gw::bench
