#pragma once
// Looks after the certificates while the gateway runs: has the broker connected anew when the files
// have changed (and are fit to be used; else what is there stays as it is, and that is said), warns
// before a certificate expires, ours, an authority's or the broker's, and keeps the metrics of it.
// The disk is waited for on a thread of its own. Thread: the event loop's.

#include "base/log.h"
#include "base/mailbox.h"
#include "base/time.h"
#include "base/worker.h"
#include "mqtt/expiry.h"
#include "mqtt/tls_files.h"
#include "ops/metrics.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace hi6gw::app {

class TlsWatch {
  public:
    using Changed = std::function<void(const std::string& why)>;

    // What is referred to outlives this.
    TlsWatch(const boost::asio::any_io_executor& executor, Time& time, ops::Metrics& metrics,
             Changed changed);
    TlsWatch(const TlsWatch&) = delete;
    TlsWatch& operator=(const TlsWatch&) = delete;
    ~TlsWatch() { box_->close(); }

    // The files to look after from now on; none: there is no TLS.
    void configure(std::optional<mqtt::TlsFiles> files);
    boost::asio::awaitable<void> run();
    // As it was verified when the broker was connected.
    void broker_certificate(mqtt::CertificateTime not_after);

  private:
    struct Look {
        unsigned turn = 0;  // of configure()
        std::string stamp;
        std::optional<mqtt::TlsContents> contents;  // empty: nothing has changed
        void clear() { contents.reset(); }
    };
    void ask();
    void take(Look& look);
    void compare(const mqtt::TlsContents& contents);
    void keep(const mqtt::TlsContents& contents);
    void warn_of_expiry();

    Time& time_;
    ops::Metrics& metrics_;
    std::optional<mqtt::TlsFiles> files_;
    unsigned turn_ = 0;
    Changed changed_;
    log::Logger log_{"mqtt"};
    std::unique_ptr<Alarm> alarm_;
    bool looking_ = false;
    std::string stamp_;
    std::optional<std::string> digest_;  // of what is in use
    std::string fault_said_;
    std::vector<mqtt::WatchedCertificate> certificates_;
    std::optional<mqtt::Certificate> broker_;
    mqtt::ExpiryWarnings warnings_;
    std::shared_ptr<Mailbox<Look>> box_;
    std::unique_ptr<Worker> worker_;  // once there was something to look at
};

}  // namespace hi6gw::app
