#include "support/tls_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace hi6gw::test {
namespace {

constexpr timeval kPatience{.tv_sec = 5, .tv_usec = 0};

std::unique_ptr<BIO, decltype(&BIO_free)> reader(const std::string& text) {
    return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

void use(SSL_CTX* context, const Credentials& credentials) {
    const auto certificate_in = reader(credentials.certificate);
    const auto key_in = reader(credentials.key);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        PEM_read_bio_X509(certificate_in.get(), nullptr, nullptr, nullptr), X509_free);
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        PEM_read_bio_PrivateKey(key_in.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
    if (SSL_CTX_use_certificate(context, certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
        throw std::runtime_error("TlsPeer: credentials");
    }
}

void demand_certificate(SSL_CTX* context, const std::string& authority) {
    const auto in = reader(authority);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), X509_free);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

struct Bound {
    int fd;
    std::uint16_t port;
};

Bound listen_on_loopback(bool ipv6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const address =
        ipv6 ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
    socklen_t size = ipv6 ? sizeof v6 : sizeof v4;
    const int fd = ::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(fd, address, size) != 0 || ::listen(fd, 10) != 0 ||
        ::getsockname(fd, address, &size) != 0) {
        throw std::runtime_error("TlsPeer: no port");
    }
    return {fd, ntohs(ipv6 ? v6.sin6_port : v4.sin_port)};
}

}  // namespace

TlsPeer::TlsPeer(const Credentials& credentials, const TlsPeerOptions& options)
    : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free),
      instead_(options.instead),
      quit_(::eventfd(0, EFD_CLOEXEC)) {
    SSL_CTX_set_max_proto_version(context_.get(), options.max_version);
    if (options.lenient) {
        SSL_CTX_set_security_level(context_.get(), 0);
        SSL_CTX_set_cipher_list(context_.get(), "ALL:@SECLEVEL=0");
    }
    use(context_.get(), credentials);
    if (!options.demand.empty()) {
        demand_certificate(context_.get(), options.demand);
    }
    const Bound bound = listen_on_loopback(options.ipv6);
    listener_ = bound.fd;
    port_ = bound.port;
    thread_ = std::thread([this] { serve(); });
}

TlsPeer::~TlsPeer() {
    ::eventfd_write(quit_, 1);
    thread_.join();
    ::close(listener_);
    ::close(quit_);
}

std::vector<TlsVisit> TlsPeer::visits() const {
    const std::lock_guard lock(mutex_);
    return visits_;
}

void TlsPeer::serve() {
    for (;;) {
        std::array<pollfd, 2> both{pollfd{.fd = listener_, .events = POLLIN, .revents = 0},
                                   pollfd{.fd = quit_, .events = POLLIN, .revents = 0}};
        ::poll(both.data(), both.size(), -1);
        if (both[1].revents != 0) {
            return;
        }
        if (const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); fd >= 0) {
            serve_one(fd);
            ::close(fd);
        }
    }
}

void TlsPeer::serve_one(int fd) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    TlsVisit visit;
    if (instead_.empty()) {
        visit = shake_hands(fd);
    } else {
        std::ignore = ::send(fd, instead_.data(), instead_.size(), MSG_NOSIGNAL);
    }
    {
        const std::lock_guard lock(mutex_);
        visits_.push_back(std::move(visit));
    }
    // Until the client hangs up: to close with something unread would reset the connection, and a
    // client that is about to write would never see what it was told.
    std::array<char, 256> rest{};
    while (::recv(fd, rest.data(), rest.size(), 0) > 0) {
    }
}

TlsVisit TlsPeer::shake_hands(int fd) const {
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_.get()), SSL_free);
    SSL_set_fd(ssl.get(), fd);
    TlsVisit visit;
    visit.shook_hands = SSL_accept(ssl.get()) == 1;
    if (const char* const name = SSL_get_servername(ssl.get(), TLSEXT_NAMETYPE_host_name)) {
        visit.name = name;
    }
    visit.version = SSL_get_version(ssl.get());
    if (visit.shook_hands) {
        std::array<char, 256> data{};
        const int size = SSL_read(ssl.get(), data.data(), data.size());
        visit.sent.assign(data.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    }
    ERR_clear_error();
    return visit;
}

}  // namespace hi6gw::test
