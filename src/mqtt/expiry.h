#pragma once
// When to warn of certificates that expire: 30, 7 and 1 days before, and at the end. Pure.

#include "mqtt/certificate.h"
#include "mqtt/tls_files.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hi6gw::mqtt {

enum class ExpiryMark : std::uint8_t { none, days_30, days_7, day_1, expired };
[[nodiscard]] ExpiryMark mark_of(CertificateTime not_after, CertificateTime now);

// "CN=gw expires in 6 days, on 2026-08-20 12:00:00 UTC"
[[nodiscard]] std::string expiry_text(const Certificate& certificate, CertificateTime now);

struct WatchedCertificate {
    TlsFile file = TlsFile::cert;
    Certificate certificate;
};
// Ours with those above it, and the authorities; not those of a file with more than ten, which is
// a collection of public ones of whom most do not concern us.
[[nodiscard]] std::vector<WatchedCertificate> watched(const TlsContents& contents);

// Says each mark of a certificate once.
class ExpiryWarnings {
  public:
    // What is to be said now of a certificate that is kept in `where`; the certificate's end tells
    // it from its successor.
    [[nodiscard]] std::optional<std::string> look(const std::string& where,
                                                  const Certificate& certificate,
                                                  CertificateTime now);

  private:
    std::map<std::pair<std::string, std::string>, std::pair<CertificateTime, ExpiryMark>>
        said_;  // by place and subject
};

}  // namespace hi6gw::mqtt
