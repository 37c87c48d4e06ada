#include "app/tls_watch.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

namespace hi6gw::app {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto kInterval = 5s;        // a look at three files' times
constexpr auto kDiskPatience = 50ms;  // of a shutdown: it only reads

}  // namespace

TlsWatch::TlsWatch(const asio::any_io_executor& executor, Time& time, ops::Metrics& metrics,
                   Changed changed)
    : time_(time),
      metrics_(metrics),
      changed_(std::move(changed)),
      alarm_(time.alarm()),
      box_(std::make_shared<Mailbox<Look>>(executor, [this](Look& look) { take(look); })) {}

void TlsWatch::configure(std::optional<mqtt::TlsFiles> files) {
    files_ = std::move(files);
    ++turn_;
    looking_ = false;
    stamp_.clear();
    digest_.reset();
    fault_said_.clear();
    certificates_.clear();
    broker_.reset();
    metrics_.tls_certificates({});
    metrics_.tls_broker_certificate(std::nullopt);
    alarm_->wake();
}

asio::awaitable<void> TlsWatch::run() {
    for (;;) {
        if (files_) {
            ask();
        }
        const unsigned turn = turn_;
        const auto next = files_ ? time_.now() + kInterval : Steady::time_point::max();
        while (time_.now() < next && turn == turn_) {
            co_await alarm_->wait_until(next);
            warn_of_expiry();
        }
    }
}

void TlsWatch::ask() {
    if (std::exchange(looking_, true)) {
        return;  // a disk that takes its time has one question at a time
    }
    if (!worker_) {
        worker_ = std::make_unique<Worker>(kDiskPatience);
    }
    worker_->post([box = box_, files = *files_, known = stamp_, turn = turn_] {
        Look look;
        look.turn = turn;
        look.stamp = mqtt::stamp(files);
        if (look.stamp != known) {
            look.contents = mqtt::inspect(files);
        }
        box->put([&look](Look& out) { out = std::move(look); });
    });
}

void TlsWatch::take(Look& look) {
    if (look.turn != turn_) {
        return;
    }
    looking_ = false;
    stamp_ = look.stamp;
    if (look.contents) {
        compare(*look.contents);
    }
    alarm_->wake();
}

void TlsWatch::compare(const mqtt::TlsContents& contents) {
    if (!contents.faults.empty()) {
        std::string fault = to_string(contents.faults.front(), *files_);
        if (fault != fault_said_) {
            log_.error("TLS: {}; what is connected stays so, until it can be used", fault);
        }
        fault_said_ = std::move(fault);
        return;
    }
    fault_said_.clear();
    keep(contents);
    const bool first = !digest_;
    if (digest_ != contents.digest) {
        digest_ = contents.digest;
        if (!first) {
            log_.info("TLS: certificates or key have changed: connecting anew");
            changed_("closed by the gateway, for new certificates");
        }
    }
}

void TlsWatch::keep(const mqtt::TlsContents& contents) {
    certificates_ = mqtt::watched(contents);
    std::map<std::string, mqtt::CertificateTime> first_end;
    for (const auto& [file, certificate] : certificates_) {
        const auto [at, added] =
            first_end.try_emplace(path_of(*files_, file), certificate.not_after);
        at->second = std::min(at->second, certificate.not_after);
    }
    metrics_.tls_certificates(first_end);
}

void TlsWatch::warn_of_expiry() {
    const auto now = std::chrono::floor<std::chrono::seconds>(time_.wall());
    const auto say = [&](const std::string& where, const mqtt::Certificate& certificate) {
        if (const auto text = warnings_.look(where, certificate, now)) {
            log_.warn("TLS: {}: {}", where, *text);
        }
    };
    for (const auto& [file, certificate] : certificates_) {
        say(std::string(key_of(file)) + " \"" + path_of(*files_, file) + '"', certificate);
    }
    if (broker_) {
        say("the broker", *broker_);
    }
}

void TlsWatch::broker_certificate(mqtt::CertificateTime not_after) {
    if (!files_) {
        return;  // of a connection that was being made when a reload turned TLS off
    }
    broker_ = mqtt::Certificate{};
    broker_->subject = "its certificate";
    broker_->not_after = not_after;
    metrics_.tls_broker_certificate(not_after);
    alarm_->wake();
}

}  // namespace hi6gw::app
