#pragma once
// A TLS server that speaks no MQTT: it writes down what a client indicates, negotiates and sends,
// and hangs up. On a free port of the loopback interface, on a thread of its own.

#include "support/certificates.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

struct ssl_ctx_st;

namespace hi6gw::test {

struct TlsVisit {
    std::optional<std::string> name;  // the SNI
    bool shook_hands = false;
    std::string version;  // "TLSv1.3"
    std::string sent;     // what the client sent after a handshake that both sides like
};

struct TlsPeerOptions {
    bool ipv6 = false;
    int max_version = 0;   // one of OpenSSL's; 0: the newest
    bool lenient = false;  // security level 0: old versions and weak keys too
    std::string demand;    // certificates of this authority (PEM); empty: none is asked for
    std::string instead;   // of a handshake, this is sent
};

class TlsPeer {
  public:
    explicit TlsPeer(const Credentials& credentials, const TlsPeerOptions& options = {});
    TlsPeer(const TlsPeer&) = delete;
    TlsPeer& operator=(const TlsPeer&) = delete;
    ~TlsPeer();

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::vector<TlsVisit> visits() const;

  private:
    void serve();
    void serve_one(int fd);
    TlsVisit shake_hands(int fd) const;

    std::shared_ptr<ssl_ctx_st> context_;
    std::string instead_;
    int listener_ = -1;
    int quit_ = -1;
    std::uint16_t port_ = 0;
    mutable std::mutex mutex_;
    std::vector<TlsVisit> visits_;
    std::thread thread_;
};

}  // namespace hi6gw::test
