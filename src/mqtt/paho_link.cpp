#include "mqtt/paho_link.h"

#include "mqtt/nodelay.h"
#include "mqtt/reason.h"
#include "mqtt/send_thread.h"
#include "mqtt/tls_files.h"
#include "mqtt/tls_guard.h"

#include <mqtt/async_client.h>

#include <algorithm>
#include <functional>
#include <mutex>

namespace hi6gw::mqtt {
namespace {

using Box = Link::Box;
using BoxPtr = std::shared_ptr<Box>;
namespace paho = ::mqtt;

// What the broker may send us (MQTT 5): a command has 4 KiB at most, and one that is too large
// shall be answered, but nobody is to fill our memory.
constexpr std::uint32_t kLargestInbound = 2 * 1024 * 1024;
// Well above our own window, so that Paho never holds a message back by itself: it would send it
// only with the next one, or a second later.
constexpr int kPahoWindow = 65000;
// Never subscribed to. To be asked to give it up is nothing to a broker, yet it has to answer.
const std::string kNoSubscription = "hi6gw/awake";
constexpr int kVersion311 = 4;
constexpr int kVersion5 = 5;

// With nothing to send or receive Paho gives a connection up after twice its keep-alive and a
// second: this makes one and a half of ours of that (3 s at least).
std::chrono::seconds paho_keep_alive(std::chrono::seconds keep_alive) {
    return std::max(std::chrono::seconds(1),
                    (keep_alive + keep_alive / 2 - std::chrono::seconds(1)) / 2);
}

// Paho reports refusals in different places: CONNACK codes and MQTT 3.1.1 SUBACK codes as the
// return code, all other MQTT 5 reasons as the reason code (which is MQTTPP_V3_CODE with 3.1.1).
int refusal_code(const paho::token& token) {
    const int reason = token.get_reason_code();
    if (reason >= 0x80 && reason < paho::MQTTPP_V3_CODE) {
        return reason;
    }
    return std::max(token.get_return_code(), 0);
}

// The C library's own words; only its exception carries them.
std::string message_of(const paho::token& token) {
    try {
        (void)token.get_connect_response();
    } catch (const paho::exception& error) {
        return error.get_message();
    }
    return {};
}

template <class Number>
Number property_or(const paho::properties& properties, paho::property::code code, Number value) {
    return properties.contains(code) ? paho::get<Number>(properties, code) : value;
}

ConnectResult accepted(const paho::properties& properties) {
    using paho::property;
    ConnectResult result;
    result.answer = ConnectAnswer::accepted;
    result.receive_maximum =
        property_or<std::uint16_t>(properties, property::RECEIVE_MAXIMUM, 65535);
    result.maximum_packet = property_or<std::uint32_t>(properties, property::MAXIMUM_PACKET_SIZE,
                                                       result.maximum_packet);
    result.maximum_qos = property_or<std::uint8_t>(properties, property::MAXIMUM_QOS, 2);
    result.retain_available =
        property_or<std::uint8_t>(properties, property::RETAIN_AVAILABLE, 1) != 0;
    if (properties.contains(property::SERVER_KEEP_ALIVE)) {
        result.keep_alive =
            std::chrono::seconds(paho::get<std::uint16_t>(properties, property::SERVER_KEEP_ALIVE));
    }
    return result;
}

ConnectResult tls_refused(const std::string& why) {
    ConnectResult result;
    result.refused = true;
    result.why = "TLS: " + why;
    return result;
}

// `guard`: null without TLS.
ConnectResult failed(const paho::token& token, const TlsGuard* guard) {
    ConnectResult result;
    if (const int code = refusal_code(token); code > 0) {
        result.answer =
            refuses_version(code) ? ConnectAnswer::unsupported_version : ConnectAnswer::other;
        result.refused = is_refusal(code);
        result.reason = code;
        result.why = "refused by the broker: " + connack_name(code);
        return result;
    }
    if (std::string why = guard != nullptr ? guard->refusal() : std::string(); !why.empty()) {
        return tls_refused(why);
    }
    if (message_of(token) == "TCP connect completion failure") {
        result.answer = ConnectAnswer::closed;
        result.why = "the broker closed the connection without an answer";
        return result;
    }
    result.why = "no TCP connection; is the broker up, and the address right?";
    if (const auto broken = guard != nullptr ? guard->broken() : std::nullopt) {
        result.refused = broken->refused;
        result.why = "TLS: " + broken->why;
    }
    return result;
}

// What Paho would do unasked. It has OpenSSL load whatever there is, even without TLS (1 MB);
// OpenSSL 3 loads what it needs when it is needed. And it writes a trace of its functions into a
// ring in memory that nobody reads, a third of the cost of a message.
void spare_paho_the_unneeded() {
    static std::once_flag once;
    std::call_once(once, [] {
        MQTTAsync_init_options options = MQTTAsync_init_options_initializer;
        MQTTAsync_global_init(&options);
        MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR);
    });
}

Inbound copy(const paho::message& message, int version) {
    using paho::property;
    Inbound in;
    in.received = Steady::now();
    in.topic = message.get_topic();
    in.payload = message.get_payload();
    in.qos = static_cast<std::uint8_t>(message.get_qos());
    in.retained = message.is_retained();
    // With MQTT 5 the flag is as published (we ask for that, and for nothing stored), else it says
    // that the broker had kept it (MQTT 3.1.1, 3.3.1.3).
    in.stored = in.retained && version != kVersion5;
    in.duplicate = message.is_duplicate();
    const paho::properties& properties = message.get_properties();
    if (properties.contains(property::RESPONSE_TOPIC)) {
        in.response_topic = paho::get<std::string>(properties, property::RESPONSE_TOPIC);
    }
    if (properties.contains(property::CORRELATION_DATA)) {
        in.correlation = paho::get<std::string>(properties, property::CORRELATION_DATA);
    }
    if (properties.contains(property::MESSAGE_EXPIRY_INTERVAL)) {
        in.expiry = std::chrono::seconds(
            paho::get<std::uint32_t>(properties, property::MESSAGE_EXPIRY_INTERVAL));
    }
    for (std::size_t i = 0; i < properties.count(property::USER_PROPERTY); ++i) {
        auto [name, value] = paho::get<paho::string_pair>(properties, property::USER_PROPERTY, i);
        in.user_properties.emplace_back(std::move(name), std::move(value));
    }
    return in;
}

// The listeners run on Paho's threads, which hold Paho's lock: nothing here may call Paho or wait.

class ConnectListener final : public paho::iaction_listener {
  public:
    explicit ConnectListener(BoxPtr box) : box_(std::move(box)) {}
    // Before connecting.
    void watch(std::shared_ptr<const TlsGuard> guard) { guard_ = std::move(guard); }

    void on_success(const paho::token& token) noexcept override {
        ConnectResult result = accepted(token.get_connect_response().get_properties());
        result.certificate_expiry = guard_ ? guard_->broker_expiry() : std::nullopt;
        put(std::move(result));
    }
    void on_failure(const paho::token& token) noexcept override {
        put(failed(token, guard_.get()));
    }

  private:
    void put(ConnectResult result) noexcept {
        box_->put([&result](LinkNews& news) { news.connect = std::move(result); });
    }
    BoxPtr box_;
    std::shared_ptr<const TlsGuard> guard_;
};

// To wake the loop costs it, and this thread, as much as all else that is done for a message. So
// that is left out for a message that nobody waits for.
class PublishListener final : public paho::iaction_listener {
  public:
    PublishListener(BoxPtr box, bool awaited) : box_(std::move(box)), awaited_(awaited) {}
    void on_success(const paho::token& token) noexcept override {
        const Acknowledgement ack{slot(token), Steady::now(), true, 0};
        if (awaited_) {
            box_->put(Add{ack});
        } else {
            box_->put_unhurried(Add{ack});
        }
    }
    void on_failure(const paho::token& token) noexcept override {
        box_->put(Add{{slot(token), Steady::now(), false, refusal_code(token)}});
    }

  private:
    struct Add {
        Acknowledgement ack;
        void operator()(LinkNews& news) const { news.acknowledgements.push_back(ack); }
    };
    static std::uint32_t slot(const paho::token& token) {
        return static_cast<std::uint32_t>(
            reinterpret_cast<std::uintptr_t>(token.get_user_context()));
    }
    BoxPtr box_;
    bool awaited_;
};

class SubscribeListener final : public paho::iaction_listener {
  public:
    explicit SubscribeListener(BoxPtr box) : box_(std::move(box)) {}
    void on_success(const paho::token& token) noexcept override { put(token, 0); }
    void on_failure(const paho::token& token) noexcept override {
        if (const int code = refusal_code(token); code > 0) {
            put(token, code);
        }  // else the connection was lost, which is said elsewhere
    }

  private:
    void put(const paho::token& token, int reason) noexcept {
        SubscribeResult result;
        result.filter = (*token.get_topics())[0];
        result.reason = reason;
        box_->put([&result](LinkNews& news) { news.subscriptions.push_back(std::move(result)); });
    }
    BoxPtr box_;
};

// A refusal is an answer, too.
class EchoListener final : public paho::iaction_listener {
  public:
    explicit EchoListener(BoxPtr box) : box_(std::move(box)) {}
    void on_success(const paho::token& /*unused*/) noexcept override { put(); }
    void on_failure(const paho::token& token) noexcept override {
        if (refusal_code(token) > 0) {
            put();
        }  // else the connection was lost, which is said elsewhere
    }

  private:
    void put() noexcept {
        box_->put([](LinkNews& news) { news.echoed = true; });
    }
    BoxPtr box_;
};

void put_lost(Box& box, LinkNews::Lost lost) noexcept {
    box.put([&lost](LinkNews& news) {
        if (!news.lost) {
            news.lost = std::move(lost);
        }
    });
}

void put_message(Box& box, const paho::message& message, int version) noexcept {
    Inbound in = copy(message, version);
    box.put([&in](LinkNews& news) { news.messages.push(std::move(in)); });
}

std::string uri(const PahoOptions& options) {
    const bool ipv6 = options.host.find(':') != std::string::npos;
    return (options.tls ? "ssl://" : "tcp://") + (ipv6 ? '[' + options.host + ']' : options.host) +
           ':' + std::to_string(options.port);
}

}  // namespace

void LinkNews::clear() {
    connect.reset();
    subscriptions.clear();
    acknowledgements.clear();
    messages.clear();
    echoed = false;
    lost.reset();
}

// Shared by the loop and the worker, which destroys it.
struct Link::Client {
    Client(PahoOptions with, int mqtt_version, BoxPtr to)
        : options(std::move(with)),
          version(mqtt_version),
          box(std::move(to)),
          connecting(box),
          publishing(box, true),
          publishing_unawaited(box, false),
          subscribing(box),
          echoing(box) {}

    void connect();
    bool guard_tls();
    void set_handlers();
    void set_tls(paho::connect_options& with) const;
    void put(ConnectResult result);

    const PahoOptions options;
    const int version;
    const BoxPtr box;
    ConnectListener connecting;
    PublishListener publishing;
    PublishListener publishing_unawaited;
    SubscribeListener subscribing;
    EchoListener echoing;
    std::shared_ptr<TlsGuard> guard;
    std::unique_ptr<paho::async_client> paho;  // last: destroyed first, while its listeners live
};

void Link::Client::put(ConnectResult result) {
    box->put([&result](LinkNews& news) { news.connect = std::move(result); });
}

// False: the files are not fit for it, which has been said.
bool Link::Client::guard_tls() {
    const TlsFiles& files = options.tls->files;
    const TlsContents contents = inspect(files);
    if (!contents.faults.empty()) {
        put(tls_refused(to_string(contents.faults.front(), files)));
        return false;
    }
    TlsSide side;
    side.name = options.tls->server_name.empty() ? options.host : options.tls->server_name;
    side.ca_file = files.ca_file;
    for (const Certificate& each : contents.authorities) {
        side.authorities.push_back(each.subject);
    }
    side.cert_file = files.cert_file;
    if (!contents.own.empty()) {
        side.own = contents.own.front();
    }
    guard = TlsGuard::start(options.host, options.port, std::move(side));
    connecting.watch(guard);
    return true;
}

void Link::Client::connect() {
    if (options.tls && !guard_tls()) {
        return;
    }
    spare_paho_the_unneeded();
    paho::create_options create(version == 5 ? kVersion5 : kVersion311);
    create.set_max_buffered_messages(kPahoWindow);
    paho = std::make_unique<paho::async_client>(uri(options), options.client_id, create);
    set_handlers();

    // A copy's properties are those of the original, and nobody's once that has been moved from
    // (paho.mqtt.cpp issue 362): so this object stays as it is until connect() has read them.
    paho::connect_options connect;
    if (version == 5) {
        connect.set_mqtt_version(kVersion5);
        connect.set_clean_start(true);
    } else {
        connect.set_mqtt_version(kVersion311);
        connect.set_clean_session(true);
    }
    connect.set_automatic_reconnect(false);
    connect.set_max_inflight(kPahoWindow);
    connect.set_keep_alive_interval(paho_keep_alive(options.keep_alive));
    connect.set_connect_timeout(std::chrono::ceil<std::chrono::seconds>(options.connect_limit));
    if (!options.username.empty()) {
        connect.set_user_name(options.username);
        connect.set_password(options.password);
    }
    if (options.will) {
        connect.set_will(paho::will_options(options.will->topic,
                                            paho::binary_ref(options.will->payload),
                                            options.will->qos, options.will->retain));
    }
    if (options.tls) {
        set_tls(connect);
    }
    if (version == 5) {
        connect.set_properties(
            paho::properties{{paho::property::MAXIMUM_PACKET_SIZE, kLargestInbound}});
    }
    paho->connect(connect, nullptr, connecting);
}

// Before connect(), once (paho.mqtt.cpp issue 481). No "connected" handler: with one, Paho reports
// the success of connecting twice.
void Link::Client::set_handlers() {
    paho->set_connection_lost_handler([box = box](const std::string& cause) noexcept {
        put_lost(*box, {.why = cause.empty() ? "connection lost" : cause});
    });
    paho->set_disconnected_handler(
        [box = box](const paho::properties& /*unused*/, paho::ReasonCode reason) noexcept {
            put_lost(*box, {.why = "the broker hung up: " + reason_name(reason), .reason = reason});
        });
    paho->set_message_callback(
        [box = box, version = version](const paho::const_message_ptr& message) noexcept {
            put_message(*box, *message, version);
        });
}

// What these options cannot say is in the guard's hands. No error handler: Paho C++ 1.2.0 calls it
// through a copy of the options that lived in connect() only.
void Link::Client::set_tls(paho::connect_options& with) const {
    paho::ssl_options ssl;
    ssl.set_trust_store(options.tls->files.ca_file);
    ssl.set_key_store(options.tls->files.cert_file);
    ssl.set_private_key(options.tls->files.key_file);
    ssl.set_enable_server_cert_auth(true);
    // Paho's own look at the name, a second one, where it knows which.
    ssl.set_verify(options.tls->server_name.empty() && options.host.find(':') == std::string::npos);
    with.set_ssl(ssl);
}

Link::Link(const PahoOptions& options, int version, Worker& worker,
           const boost::asio::any_io_executor& executor, Box::Take take)
    : client_(std::make_shared<Client>(options, version,
                                       std::make_shared<Box>(executor, std::move(take)))),
      worker_(worker) {
    worker_.post([client = client_] {
        try {
            client->connect();
        } catch (const std::exception& error) {
            ConnectResult result;
            result.why = error.what();
            client->put(std::move(result));
        }
    });
}

void Link::close(std::function<void()> gone) {
    client_->box->close();
    worker_.post([client = std::move(client_), gone = std::move(gone)]() mutable {
        client.reset();
        gone();
    });
}

Link::~Link() {
    if (client_) {
        close([] {});
    }
}

Link::Sent Link::publish(const Publication& message, std::uint32_t slot, bool awaited,
                         std::string& why) {
    auto out = paho::message::create(message.topic, paho::binary_ref(message.payload), message.qos,
                                     message.retain);
    if (!message.correlation.empty() && client_->version == 5) {
        paho::properties properties;
        properties.add(paho::property(paho::property::CORRELATION_DATA, message.correlation));
        out->set_properties(std::move(properties));
    }
    try {
        // Paho's user context is a pointer; ours is a number.
        // NOLINTNEXTLINE(performance-no-int-to-ptr)
        auto* const context = reinterpret_cast<void*>(static_cast<std::uintptr_t>(slot));
        client_->paho->publish(std::move(out), context,
                               awaited ? client_->publishing : client_->publishing_unawaited);
        return Sent::yes;
    } catch (const paho::exception& error) {
        why = error.get_message();
        const int code = error.get_return_code();
        return code == MQTTASYNC_BAD_UTF8_STRING || code == MQTTASYNC_BAD_QOS ? Sent::refused
                                                                              : Sent::broken;
    } catch (const std::exception& error) {
        why = error.what();
        return Sent::broken;
    }
}

// One packet for each filter: for several at once, Paho C++ 1.2.0 loses the options' list on the
// way and the C library then reads a null pointer.
bool Link::subscribe(const std::string& filter) {
    const paho::subscribe_options options(paho::subscribe_options::SUBSCRIBE_NO_LOCAL,
                                          paho::subscribe_options::RETAIN_AS_PUBLISHED,
                                          paho::subscribe_options::DONT_SEND_RETAINED);
    try {
        client_->paho->subscribe(filter, 1, nullptr, client_->subscribing, options);
        return true;
    } catch (const std::exception&) {
        return false;
    }
}

bool Link::unsubscribe(const std::string& filter) {
    try {
        client_->paho->unsubscribe(filter);
        return true;
    } catch (const std::exception&) {
        return false;
    }
}

void Link::echo() {
    try {
        client_->paho->unsubscribe(kNoSubscription, nullptr, client_->echoing);
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the loss is said elsewhere
    }
}

void Link::tune() {
    worker_.post([host = client_->options.host, port = client_->options.port] {
        (void)let_send_thread_wait();
        (void)set_nodelay(host, port);
    });
}

void Link::nudge() {
    client_->box->put([](LinkNews& /*nothing new*/) {});
}

void Link::collect() {
    client_->box->collect();
}

void Link::hurry() {
    client_->box->hurry();
}

}  // namespace hi6gw::mqtt
