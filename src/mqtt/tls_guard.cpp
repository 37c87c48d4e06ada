#include "mqtt/tls_guard.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

namespace hi6gw::mqtt {
namespace {

using Guard = std::shared_ptr<TlsGuard>;

// OpenSSL's callbacks have no other way to us.
struct Registry {
    int index = -1;          // of the guard among the SSL object's data
    int security_level = 2;  // the system's
    bool works = false;
    std::mutex mutex;
    std::vector<std::weak_ptr<TlsGuard>> guards;  // the newest first
};

void watch_new(void* parent, void* data, CRYPTO_EX_DATA* all, int index, long argument,
               void* pointer);
void release(void* parent, void* data, CRYPTO_EX_DATA* all, int index, long argument,
             void* pointer);
void on_info(const SSL* ssl, int where, int value);

Registry& registry() {
    static Registry* const only = [] {
        auto* const made = new Registry;  // never destroyed: Paho's threads may outlive main()
        made->index = SSL_get_ex_new_index(0, nullptr, watch_new, nullptr, release);
        SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
        SSL* const probe = context != nullptr ? SSL_new(context) : nullptr;
        if (probe != nullptr) {
            made->security_level = SSL_CTX_get_security_level(context);
            made->works = SSL_get_info_callback(probe) == on_info;
        }
        SSL_free(probe);
        SSL_CTX_free(context);
        return made;
    }();
    return *only;
}

// As it gets into OpenSSL: of "[::1]" Paho takes off the closing bracket only.
std::string paho_host(const std::string& host) {
    return host.find(':') != std::string::npos ? '[' + host : host;
}

std::uint16_t peer_port(const SSL* ssl) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(SSL_get_fd(ssl), reinterpret_cast<sockaddr*>(&peer), &size) != 0) {
        return 0;
    }
    return ntohs(peer.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&peer)->sin6_port
                                            : reinterpret_cast<sockaddr_in*>(&peer)->sin_port);
}

Guard* attached(const SSL* ssl) {
    return static_cast<Guard*>(SSL_get_ex_data(ssl, registry().index));
}

Guard guard_for(const SSL* ssl) {
    const char* const host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const std::uint16_t port = peer_port(ssl);
    Registry& all = registry();
    const std::lock_guard lock(all.mutex);
    for (const std::weak_ptr<TlsGuard>& each : all.guards) {
        Guard guard = each.lock();
        if (guard && host != nullptr && guard->guards(host, port)) {
            return guard;
        }
    }
    return nullptr;
}

int refuse(int /*good*/, X509_STORE_CTX* /*store*/) {
    return 0;
}

int on_verified(int good, X509_STORE_CTX* store) {
    const auto* const ssl =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    Guard* const guard = attached(ssl);
    if (guard == nullptr) {
        return 0;
    }
    (*guard)->verified(good == 1, store);
    return good;
}

// Our certificate, if there is one, is in its place already.
int on_certificate_request(SSL* ssl, void* /*context*/) {
    if (Guard* const guard = attached(ssl)) {
        (*guard)->asked_for_our_certificate();
    }
    return 1;
}

void begin(SSL* ssl) {
    Guard guard = guard_for(ssl);
    if (!guard) {
        SSL_set_verify(ssl, SSL_VERIFY_PEER, refuse);
        return;
    }
    guard->prepare(ssl);
    SSL_set_ex_data(ssl, registry().index, new Guard(std::move(guard)));
}

void on_info(const SSL* ssl, int where, int value) {
    Guard* const guard = attached(ssl);
    if (where == SSL_CB_HANDSHAKE_START && guard == nullptr && SSL_is_server(ssl) == 0) {
        // Before anything is sent the object may still be changed; that the callback has it const
        // is for those that only look.
        begin(const_cast<SSL*>(ssl));
    } else if ((where & SSL_CB_ALERT) != 0 && guard != nullptr && (value >> 8) == SSL3_AL_FATAL) {
        (*guard)->alert(value & 0xFF, (where & SSL_CB_WRITE) != 0);
    } else if (where == SSL_CB_CONNECT_EXIT && guard != nullptr && ERR_peek_error() != 0) {
        (*guard)->failed(ERR_peek_error());
    }
}

void watch_new(void* parent, void* /*data*/, CRYPTO_EX_DATA* /*all*/, int /*index*/,
               long /*argument*/, void* /*pointer*/) {
    SSL_set_info_callback(static_cast<SSL*>(parent), on_info);
}

void release(void* /*parent*/, void* data, CRYPTO_EX_DATA* /*all*/, int /*index*/,
             long /*argument*/, void* /*pointer*/) {
    delete static_cast<Guard*>(data);
}

}  // namespace

std::shared_ptr<TlsGuard> TlsGuard::start(const std::string& host, std::uint16_t port,
                                          TlsSide side) {
    Registry& all = registry();
    if (!all.works) {
        throw std::runtime_error(
            "TLS cannot be used: this OpenSSL does not let its connections be "
            "verified the way that hi6gw needs (made for OpenSSL 3.0)");
    }
    auto guard = std::make_shared<TlsGuard>(mqtt::paho_host(host), port, std::move(side));
    const std::lock_guard lock(all.mutex);
    std::erase_if(all.guards, [](const std::weak_ptr<TlsGuard>& each) { return each.expired(); });
    all.guards.insert(all.guards.begin(), guard);
    return guard;
}

TlsGuard::TlsGuard(std::string paho_host, std::uint16_t port, TlsSide side)
    : paho_host_(std::move(paho_host)), port_(port), side_(std::move(side)) {}

bool TlsGuard::guards(const std::string& paho_host, std::uint16_t port) const {
    return paho_host == paho_host_ && port == port_;
}

void TlsGuard::prepare(SSL* ssl) {
    {
        const std::lock_guard lock(mutex_);
        begun_ = true;
    }
    SSL_set_min_proto_version(ssl, TLS1_2_VERSION);
    SSL_set_security_level(ssl, registry().security_level);
    SSL_set_verify(ssl, SSL_VERIFY_PEER, on_verified);
    SSL_set_cert_cb(ssl, on_certificate_request, nullptr);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const bool address =
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), side_.name.c_str()) == 1;
    const bool named = address || SSL_set1_host(ssl, side_.name.c_str()) == 1;
    // SSL_set_tlsext_host_name(), which is a macro with an old cast.
    std::string name = side_.name;
    const bool indicated = SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                    address ? nullptr : name.data()) == 1;
    if (!named || !indicated) {
        SSL_set_verify(ssl, SSL_VERIFY_PEER, refuse);
        write_down("\"" + side_.name + "\" cannot be the name of a broker");
    }
}

void TlsGuard::verified(bool good, X509_STORE_CTX* store) {
    const X509* const current = X509_STORE_CTX_get_current_cert(store);
    if (current == nullptr) {
        if (!good) {
            write_down(X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
        }
        return;
    }
    const int depth = X509_STORE_CTX_get_error_depth(store);
    const Certificate certificate = read_certificate(*current);
    if (!good) {
        write_down(
            verification_failure(X509_STORE_CTX_get_error(store), depth, certificate, side_));
    } else if (depth == 0) {
        const std::lock_guard lock(mutex_);
        broker_expiry_ = certificate.not_after;
    }
}

void TlsGuard::alert(int code, bool sent) {
    std::string text = sent ? alert_sent(code) : alert_received(code, side_);
    if (!text.empty()) {
        write_down(std::move(text));
    }
}

void TlsGuard::asked_for_our_certificate() {
    const std::lock_guard lock(mutex_);
    asked_ = true;
}

void TlsGuard::failed(unsigned long error) {
    const std::lock_guard lock(mutex_);
    error_ = error_ != 0 ? error_ : error;
}

void TlsGuard::write_down(std::string refusal) {
    const std::lock_guard lock(mutex_);
    if (refusal_.empty()) {
        refusal_ = std::move(refusal);
    }
}

std::string TlsGuard::refusal() const {
    const std::lock_guard lock(mutex_);
    return refusal_;
}

// With TLS 1.3 the broker looks at our certificate when the handshake is over on our side. Its
// reason and its hanging up come together; a fast broker's may come before CONNECT is written, and
// then Paho does not read the reason any more.
std::optional<TlsGuard::Break> TlsGuard::broken() const {
    const std::lock_guard lock(mutex_);
    if (!begun_) {
        return std::nullopt;
    }
    if (asked_) {
        return Break{.why = certificate_refused(side_), .refused = true};
    }
    return Break{.why = broken_handshake(error_), .refused = false};
}

std::optional<CertificateTime> TlsGuard::broker_expiry() const {
    const std::lock_guard lock(mutex_);
    return broker_expiry_;
}

}  // namespace hi6gw::mqtt
