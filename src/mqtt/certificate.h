#pragma once
// What an X.509 certificate says, as plain values for messages and metrics. Pure.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct x509_st;  // OpenSSL's X509

namespace hi6gw::mqtt {

// Not Wall::time_point: that ends in 2262, and certificates like to say 9999.
using CertificateTime = std::chrono::sys_seconds;

// Texts are as the certificate has them, control characters escaped.
struct Certificate {
    std::string subject;  // "CN=broker,O=Plant"
    std::string issuer;
    std::vector<std::string> names;  // whom it is for, as messages say it: "broker.plant" 10.0.0.5
    CertificateTime not_before;
    CertificateTime not_after;
};

[[nodiscard]] Certificate read_certificate(const x509_st& certificate);
// Those of a PEM text, in order. Empty: there is none, or one of them is damaged.
[[nodiscard]] std::vector<Certificate> read_certificates(std::string_view pem);

// "2026-01-31 12:00:00 UTC"
[[nodiscard]] std::string date(CertificateTime time);

}  // namespace hi6gw::mqtt
