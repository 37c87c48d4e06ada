#pragma once
// What OpenSSL's verdicts on a handshake mean to an operator: which file, which name, which date.
// Pure.

#include "mqtt/certificate.h"

#include <optional>
#include <string>
#include <vector>

namespace hi6gw::mqtt {

// Our side of a connection.
struct TlsSide {
    std::string name;                      // that the broker's certificate must have
    std::string ca_file;                   // empty: the system's authorities
    std::vector<std::string> authorities;  // subjects of what is in ca_file
    std::string cert_file;                 // empty: we have no certificate
    std::optional<Certificate> own;
};

// `error`: one of OpenSSL's X509_V_ERR_*; `depth`: of `certificate` in the broker's chain, 0 is its
// own.
[[nodiscard]] std::string verification_failure(int error, int depth, const Certificate& certificate,
                                               const TlsSide& side);
// A fatal alert of the broker's: RFC 8446 section 6.2.
[[nodiscard]] std::string alert_received(int alert, const TlsSide& side);
// The broker asked for our certificate and hung up without a word.
[[nodiscard]] std::string certificate_refused(const TlsSide& side);
// A fatal alert of ours that says more than verification_failure(); empty: it does not.
[[nodiscard]] std::string alert_sent(int alert);
// A handshake that broke; `error`: the first of OpenSSL's error queue (ERR_peek_error(3)), 0: none.
[[nodiscard]] std::string broken_handshake(unsigned long error);

}  // namespace hi6gw::mqtt
