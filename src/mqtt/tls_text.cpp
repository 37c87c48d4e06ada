#include "mqtt/tls_text.h"

#include "base/clock.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>
#include <openssl/tls1.h>
#include <openssl/x509_vfy.h>

#include <algorithm>

namespace hi6gw::mqtt {
namespace {

std::string in_quotes(const std::string& text) {
    return '"' + text + '"';
}

std::string authorities(const TlsSide& side) {
    return side.ca_file.empty() ? "among the system's authorities"
                                : "in ca_file " + in_quotes(side.ca_file);
}

std::string list_of(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) {
        out += (out.empty() ? "" : ", ") + name;
    }
    return out.empty() ? "nobody" : out;
}

// "the broker's certificate (CN=broker)"
std::string subject_of(int depth, const Certificate& certificate) {
    return (depth == 0 ? "the broker's certificate (" : "the certificate above the broker's (") +
           certificate.subject + ')';
}

// A mistake that is hard to see: an authority was made anew under its old name.
std::string namesake(const std::string& authority, const TlsSide& side) {
    return std::find(side.authorities.begin(), side.authorities.end(), authority) ==
                   side.authorities.end()
               ? ""
               : ": the one of that name there has another key";
}

std::string unknown_issuer(int depth, const Certificate& certificate, const TlsSide& side) {
    return subject_of(depth, certificate) + " was issued by " + in_quotes(certificate.issuer) +
           ", which is not " + authorities(side) + namesake(certificate.issuer, side);
}

std::string own_certificate_refused(const TlsSide& side, const std::string& why) {
    std::string out = "the broker refuses our certificate, cert_file " + in_quotes(side.cert_file);
    if (side.own) {
        // In whole seconds: in finer units a certificate without an end overflows.
        const auto now = std::chrono::floor<std::chrono::seconds>(Wall::now());
        const bool expired = side.own->not_after <= now;
        out += " (" + side.own->subject + ", issued by " + side.own->issuer +
               (expired ? ", expired on " : ", valid until ") + date(side.own->not_after) + ')';
    }
    return out + ": " + why;
}

constexpr const char* kCertificateDemanded =
    "the broker demands a client certificate: mqtt.tls.cert_file and key_file";

}  // namespace

std::string verification_failure(int error, int depth, const Certificate& certificate,
                                 const TlsSide& side) {
    const std::string subject = subject_of(depth, certificate);
    switch (error) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return subject + " is not for " + in_quotes(side.name) + " but for " +
                   list_of(certificate.names) +
                   "; mqtt.url or mqtt.tls.server_name must say what it is for";
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return subject + " expired on " + date(certificate.not_after);
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return subject + " is not valid before " + date(certificate.not_before) +
                   "; is this computer's clock right?";
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
            return unknown_issuer(depth, certificate, side);
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return subject + " is signed by itself, and it is not " + authorities(side);
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            return "the authority " + in_quotes(certificate.subject) +
                   " above the broker's certificate is not " + authorities(side) +
                   namesake(certificate.subject, side);
        default:
            return subject + ": " + X509_verify_cert_error_string(error);
    }
}

std::string alert_received(int alert, const TlsSide& side) {
    const std::string name = SSL_alert_desc_string_long(alert);
    switch (alert) {
        case TLS1_AD_PROTOCOL_VERSION:
            return "the broker refuses TLS 1.2 and 1.3 (alert: " + name + ')';
        case TLS1_AD_UNRECOGNIZED_NAME:
            return "the broker knows no name " + in_quotes(side.name) + " (alert: " + name + ')';
        case SSL_AD_CERTIFICATE_REQUIRED:
            return kCertificateDemanded;
        case SSL3_AD_HANDSHAKE_FAILURE:
            return "the broker refuses the handshake (alert: " + name + ')' +
                   (side.cert_file.empty()
                        ? "; it may demand a client certificate: mqtt.tls.cert_file and key_file"
                        : "");
        case SSL3_AD_BAD_CERTIFICATE:
        case SSL3_AD_UNSUPPORTED_CERTIFICATE:
        case SSL3_AD_CERTIFICATE_REVOKED:
        case SSL3_AD_CERTIFICATE_EXPIRED:
        case SSL3_AD_CERTIFICATE_UNKNOWN:
        case TLS1_AD_UNKNOWN_CA:
        case TLS1_AD_ACCESS_DENIED:
        case TLS1_AD_DECRYPT_ERROR:
            if (!side.cert_file.empty()) {
                return own_certificate_refused(side, name);
            }
            [[fallthrough]];
        default:
            return "the broker refuses the handshake (alert: " + name + ')';
    }
}

std::string certificate_refused(const TlsSide& side) {
    return side.cert_file.empty() ? kCertificateDemanded
                                  : own_certificate_refused(side, "it hung up without a reason");
}

std::string alert_sent(int alert) {
    return alert == TLS1_AD_PROTOCOL_VERSION ? "the broker does not speak TLS 1.2 or later"
                                             : std::string();
}

std::string broken_handshake(unsigned long error) {
    const bool of_tls = ERR_GET_LIB(error) == ERR_LIB_SSL;
    const int reason = of_tls ? ERR_GET_REASON(error) : 0;
    if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST) {
        return "what answers there does not speak TLS; is the port right?";
    }
    if (error == 0 || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        return "the connection broke during the handshake; is TLS spoken at this port?";
    }
    const char* const text = ERR_reason_error_string(error);
    return text != nullptr ? text : "error " + std::to_string(error);
}

}  // namespace hi6gw::mqtt
