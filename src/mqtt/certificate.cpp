#include "mqtt/certificate.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <memory>

namespace hi6gw::mqtt {
namespace {

constexpr std::size_t kMostNames = 10;  // in one message
constexpr std::size_t kLongestName = 253;

struct Free {
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

std::string text_of(const X509_NAME* name) {
    const std::unique_ptr<BIO, Free> out(BIO_new(BIO_s_mem()));
    // As RFC 2253 has it, but with UTF-8 left readable.
    constexpr unsigned long kFlags =
        XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
    if (X509_NAME_print_ex(out.get(), name, 0, kFlags) < 0) {
        return {};
    }
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string("(none)");
}

CertificateTime time_of(const ASN1_TIME* time) {
    std::tm parts{};
    return ASN1_TIME_to_tm(time, &parts) == 1
               ? CertificateTime(std::chrono::seconds(::timegm(&parts)))
               : CertificateTime();
}

std::string_view bytes_of(const ASN1_STRING* text) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string quoted(std::string_view bytes) {
    std::string out = "\"";
    for (const char c : bytes.substr(0, kLongestName)) {
        out += c > ' ' && c <= '~' && c != '"' ? c : '?';
    }
    return out + '"';
}

std::string address(std::string_view bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = bytes.size() == sizeof(in_addr) ? AF_INET : AF_INET6;
    if (bytes.size() != sizeof(in_addr) && bytes.size() != sizeof(in6_addr)) {
        return "a strange address";
    }
    return ::inet_ntop(family, bytes.data(), text.data(), text.size());
}

// Where there is no DNS name, OpenSSL takes the common name for one.
void add_common_name(const X509& certificate, std::vector<std::string>& names) {
    const X509_NAME* const subject = X509_get_subject_name(&certificate);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at >= 0) {
        const X509_NAME_ENTRY* const entry = X509_NAME_get_entry(subject, at);
        names.push_back("common name " + quoted(bytes_of(X509_NAME_ENTRY_get_data(entry))));
    }
}

std::vector<std::string> names_of(const X509& certificate) {
    std::vector<std::string> out;
    bool has_dns_name = false;
    const std::unique_ptr<GENERAL_NAMES, Free> names(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        if (out.size() == kMostNames) {
            out.emplace_back("others");
            return out;
        }
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type == GEN_DNS) {
            has_dns_name = true;
            out.push_back(quoted(bytes_of(name->d.dNSName)));
        } else if (name->type == GEN_IPADD) {
            out.push_back(address(bytes_of(name->d.iPAddress)));
        }
    }
    if (!has_dns_name) {
        add_common_name(certificate, out);
    }
    return out;
}

}  // namespace

Certificate read_certificate(const x509_st& certificate) {
    Certificate out;
    out.subject = text_of(X509_get_subject_name(&certificate));
    out.issuer = text_of(X509_get_issuer_name(&certificate));
    out.names = names_of(certificate);
    out.not_before = time_of(X509_get0_notBefore(&certificate));
    out.not_after = time_of(X509_get0_notAfter(&certificate));
    return out;
}

std::vector<Certificate> read_certificates(std::string_view pem) {
    const std::unique_ptr<BIO, Free> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    std::vector<Certificate> out;
    ERR_clear_error();
    for (;;) {
        const std::unique_ptr<X509, Free> one(
            PEM_read_bio_X509_AUX(in.get(), nullptr, nullptr, nullptr));
        if (!one) {
            break;
        }
        out.push_back(read_certificate(*one));
    }
    // The end of the text is reported as a missing start line; anything else is damage.
    const bool whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return whole ? out : std::vector<Certificate>{};
}

std::string date(CertificateTime time) {
    const std::time_t seconds = time.time_since_epoch().count();
    std::tm parts{};
    std::array<char, 40> text{};
    if (::gmtime_r(&seconds, &parts) == nullptr ||
        std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) {
        return "an unknown date";
    }
    return text.data();
}

}  // namespace hi6gw::mqtt
