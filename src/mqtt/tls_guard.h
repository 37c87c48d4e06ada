#pragma once
// What Paho C 1.3.12 leaves out of TLS, done on its connections from outside: it has no option for
// the name to expect (it takes the host of the URI, and an IPv6 address with its bracket), ignores
// its own option for the TLS version, lowers OpenSSL's security level, and says of a failed
// handshake hardly more than that it failed. OpenSSL calls us for each SSL object of the process as
// it is made (CRYPTO_get_ex_new_index(3)) and when its handshake starts; there the connection is
// recognised by the host Paho has set and by the port of its peer, and is given:
//   - the name to verify and to indicate (SNI; none for an address, RFC 6066 section 3),
//   - TLS 1.2 at least, and the system's security level,
//   - callbacks that write down why it is refused.
// A TLS connection of this process that nobody guards is refused. One guard for one broker address
// at a time. Only paho_link.cpp uses this.

#include "mqtt/tls_text.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

struct ssl_st;             // OpenSSL's SSL
struct x509_store_ctx_st;  // and X509_STORE_CTX

namespace hi6gw::mqtt {

class TlsGuard {
  public:
    // Guards connections to `host` at `port` from now on and as long as it lives. Throws
    // std::runtime_error where OpenSSL does not call us (then TLS must not be used). `side.name`:
    // what the broker's certificate must be for.
    static std::shared_ptr<TlsGuard> start(const std::string& host, std::uint16_t port,
                                           TlsSide side);

    // Why one side refuses the other. Empty: it does not, as far as it has said.
    [[nodiscard]] std::string refusal() const;
    // Of a connection that broke before CONNECT was sent, without a refusal: what there is to say,
    // and whether trying again soon cannot help. Nothing: TLS had not even begun.
    struct Break {
        std::string why;
        bool refused = false;
    };
    [[nodiscard]] std::optional<Break> broken() const;
    // When the broker's certificate expires; nothing before it was verified.
    [[nodiscard]] std::optional<CertificateTime> broker_expiry() const;

    // Called by OpenSSL, on Paho's threads.
    void prepare(ssl_st* ssl);
    void verified(bool good, x509_store_ctx_st* store);
    void asked_for_our_certificate();
    void alert(int code, bool sent);
    void failed(unsigned long error);

    TlsGuard(std::string paho_host, std::uint16_t port, TlsSide side);
    [[nodiscard]] bool guards(const std::string& paho_host, std::uint16_t port) const;

  private:
    void write_down(std::string refusal);

    const std::string paho_host_;
    const std::uint16_t port_;
    const TlsSide side_;
    mutable std::mutex mutex_;
    std::string refusal_;      // the first one
    unsigned long error_ = 0;  // of OpenSSL's queue, the first
    bool begun_ = false;
    bool asked_ = false;
    std::optional<CertificateTime> broker_expiry_;
};

}  // namespace hi6gw::mqtt
