#pragma once
// Certificates for TLS tests, made on the spot (P-256, a millisecond each): nothing in the
// repository can expire.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace hi6gw::test {

struct CertificateOptions {
    std::string name = "localhost";  // the common name
    std::vector<std::string> subject_names = {"DNS:localhost", "IP:127.0.0.1"};
    std::chrono::seconds from = -std::chrono::hours(48);  // of validity, counted from now
    std::chrono::seconds until = std::chrono::hours(24 * 365);
    bool weak = false;  // RSA of 1024 bits
};

// PEM texts.
struct Credentials {
    std::string certificate;
    std::string key;
};

class Authority {
  public:
    explicit Authority(std::string name = "Plant CA",
                       std::chrono::seconds until = std::chrono::hours(24 * 3650));

    [[nodiscard]] const std::string& certificate() const { return certificate_; }
    [[nodiscard]] Credentials issue(const CertificateOptions& options = {}) const;

  private:
    std::string name_;
    std::shared_ptr<evp_pkey_st> key_;
    std::string certificate_;
};

Credentials self_signed(const CertificateOptions& options = {});

// The same in other dress.
std::string encrypted(const std::string& key, const std::string& passphrase);
std::string der(const std::string& certificate);

}  // namespace hi6gw::test
