#include "mqtt/expiry.h"

namespace hi6gw::mqtt {
namespace {

constexpr std::size_t kMostAuthorities = 10;

}  // namespace

ExpiryMark mark_of(CertificateTime not_after, CertificateTime now) {
    using std::chrono::days;
    const auto left = not_after - now;
    return left <= days(0)    ? ExpiryMark::expired
           : left <= days(1)  ? ExpiryMark::day_1
           : left <= days(7)  ? ExpiryMark::days_7
           : left <= days(30) ? ExpiryMark::days_30
                              : ExpiryMark::none;
}

std::string expiry_text(const Certificate& certificate, CertificateTime now) {
    const auto left = certificate.not_after - now;
    const std::string when = date(certificate.not_after);
    if (left <= std::chrono::seconds(0)) {
        return certificate.subject + " expired on " + when;
    }
    const auto whole = std::chrono::floor<std::chrono::days>(left).count();
    const std::string in = whole == 0   ? "less than a day"
                           : whole == 1 ? "1 day"
                                        : std::to_string(whole) + " days";
    return certificate.subject + " expires in " + in + ", on " + when;
}

std::vector<WatchedCertificate> watched(const TlsContents& contents) {
    std::vector<WatchedCertificate> out;
    out.reserve(contents.own.size() + kMostAuthorities);
    for (const Certificate& each : contents.own) {
        out.push_back({.file = TlsFile::cert, .certificate = each});
    }
    if (contents.authorities.size() <= kMostAuthorities) {
        for (const Certificate& each : contents.authorities) {
            out.push_back({.file = TlsFile::ca, .certificate = each});
        }
    }
    return out;
}

std::optional<std::string> ExpiryWarnings::look(const std::string& where,
                                                const Certificate& certificate,
                                                CertificateTime now) {
    const ExpiryMark mark = mark_of(certificate.not_after, now);
    auto& [not_after, said] = said_[{where, certificate.subject}];
    if (not_after != certificate.not_after) {
        not_after = certificate.not_after;
        said = ExpiryMark::none;
    }
    if (mark <= said) {
        return std::nullopt;
    }
    said = mark;
    return expiry_text(certificate, now);
}

}  // namespace hi6gw::mqtt
