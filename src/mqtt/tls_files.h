#pragma once
// The files of a TLS connection, looked at before they are used: Paho and OpenSSL would only say
// that something is wrong with one of them. Blocks on the disk; any thread.

#include "mqtt/certificate.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hi6gw::mqtt {

struct TlsFiles {
    std::string ca_file;    // PEM; empty: the system's authorities
    std::string cert_file;  // PEM, our certificate first, then those above it; empty: none
    std::string key_file;   // PEM, without a passphrase
    bool operator==(const TlsFiles&) const = default;
};

enum class TlsFile : std::uint8_t { ca, cert, key };
[[nodiscard]] const char* key_of(TlsFile file);  // of the configuration: "ca_file"
[[nodiscard]] const std::string& path_of(const TlsFiles& files, TlsFile file);

// Why a file cannot be used, as a sentence about it: "cannot be read: Permission denied".
struct TlsFileFault {
    TlsFile file = TlsFile::ca;
    std::string what;
    bool operator==(const TlsFileFault&) const = default;
};
// "cert_file "/etc/hi6gw/gw.pem" cannot be read: Permission denied"
[[nodiscard]] std::string to_string(const TlsFileFault& fault, const TlsFiles& files);

struct TlsContents {
    std::vector<TlsFileFault> faults;  // empty: all can be used
    std::vector<Certificate> authorities;
    std::vector<Certificate> own;  // ours first
    std::string digest;            // of all bytes: tells whether anything has changed
};
// Dates are not looked at: whether an expired certificate is good enough is for the peer to say.
[[nodiscard]] TlsContents inspect(const TlsFiles& files);

// Of the files' times and sizes: as long as it is the same, nothing has changed.
[[nodiscard]] std::string stamp(const TlsFiles& files);

}  // namespace hi6gw::mqtt
