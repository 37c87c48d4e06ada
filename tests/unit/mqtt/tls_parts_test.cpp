// What verdicts, alerts and dates are called. Real handshakes: component/mqtt/tls_test.cpp.

#include "mqtt/expiry.h"
#include "mqtt/tls_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>

#include <vector>

namespace hi6gw::mqtt {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const CertificateTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 1 / 31) + 12h;

Certificate certificate(CertificateTime not_after = kNow) {
    Certificate out;
    out.subject = "CN=broker";
    out.issuer = "CN=CA";
    out.names = {"\"broker\"", "10.0.0.5"};
    out.not_before = kNow - 24h;
    out.not_after = not_after;
    return out;
}

TlsSide side() {
    TlsSide out;
    out.name = "other";
    out.ca_file = "/ca.pem";
    return out;
}

TEST(Date, IsReadable) {
    EXPECT_EQ(date(kNow), "2026-01-31 12:00:00 UTC");
    EXPECT_EQ(date(std::chrono::sys_days(std::chrono::year(9999) / 12 / 31) + 23h),
              "9999-12-31 23:00:00 UTC");
}

TEST(VerificationFailure, SaysWhichNameWhichFileWhichDate) {
    struct Row {
        int error;
        int depth;
        std::string says;
    };
    const std::vector<Row> rows{
        {X509_V_ERR_HOSTNAME_MISMATCH, 0,
         "the broker's certificate (CN=broker) is not for \"other\" but for \"broker\", 10.0.0.5; "
         "mqtt.url or mqtt.tls.server_name must say what it is for"},
        {X509_V_ERR_CERT_HAS_EXPIRED, 0,
         "the broker's certificate (CN=broker) expired on 2026-01-31 12:00:00 UTC"},
        {X509_V_ERR_CERT_HAS_EXPIRED, 1,
         "the certificate above the broker's (CN=broker) expired on 2026-01-31 12:00:00 UTC"},
        {X509_V_ERR_CERT_NOT_YET_VALID, 0,
         "the broker's certificate (CN=broker) is not valid before 2026-01-30 12:00:00 UTC; is "
         "this computer's clock right?"},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 0,
         "the broker's certificate (CN=broker) was issued by \"CN=CA\", which is not in ca_file "
         "\"/ca.pem\""},
        {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, 0,
         "the broker's certificate (CN=broker) is signed by itself, and it is not in ca_file "
         "\"/ca.pem\""},
        {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, 1,
         "the authority \"CN=broker\" above the broker's certificate is not in ca_file "
         "\"/ca.pem\""},
        {X509_V_ERR_EE_KEY_TOO_SMALL, 0,
         "the broker's certificate (CN=broker): EE certificate "
         "key too weak"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(verification_failure(row.error, row.depth, certificate(), side()), row.says);
    }
}

TEST(AlertReceived, BlamesOurCertificateOnlyIfWeHaveOne) {
    TlsSide mine = side();
    mine.cert_file = "/gw.pem";
    mine.own = certificate(std::chrono::sys_days(std::chrono::year(9999) / 12 / 31));
    EXPECT_EQ(alert_received(SSL_AD_UNKNOWN_CA, mine),
              "the broker refuses our certificate, cert_file \"/gw.pem\" (CN=broker, issued by "
              "CN=CA, valid until 9999-12-31 00:00:00 UTC): unknown CA");
    EXPECT_EQ(alert_received(SSL_AD_UNKNOWN_CA, side()),
              "the broker refuses the handshake (alert: unknown CA)");
    EXPECT_THAT(alert_received(SSL_AD_CERTIFICATE_REQUIRED, side()), HasSubstr("demands a client"));
    EXPECT_THAT(alert_received(SSL_AD_INTERNAL_ERROR, mine), EndsWith("(alert: internal error)"));
    EXPECT_THAT(alert_received(SSL_AD_UNRECOGNIZED_NAME, mine), HasSubstr("no name \"other\""));
}

TEST(AlertSent, SpeaksOfTheVersionOnly) {
    EXPECT_EQ(alert_sent(SSL_AD_PROTOCOL_VERSION), "the broker does not speak TLS 1.2 or later");
    EXPECT_THAT(alert_sent(SSL_AD_UNKNOWN_CA), IsEmpty());
}

TEST(BrokenHandshake, IsCalledByOpenSslsReason) {
    OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS, nullptr);  // as Paho does
    const std::string broke =
        "the connection broke during the handshake; is TLS spoken at this port?";
    for (const auto& [error, text] : std::vector<std::pair<unsigned long, std::string>>{
             {0, broke},
             {ERR_PACK(ERR_LIB_SSL, 0, SSL_R_UNEXPECTED_EOF_WHILE_READING), broke},
             {ERR_PACK(ERR_LIB_SSL, 0, SSL_R_WRONG_VERSION_NUMBER),
              "what answers there does not speak TLS; is the port right?"},
             {ERR_PACK(ERR_LIB_SSL, 0, SSL_R_NO_CIPHERS_AVAILABLE), "no ciphers available"},
             {ERR_PACK(ERR_LIB_SSL, 0, 4000), "error 167776160"}}) {
        EXPECT_EQ(broken_handshake(error), text);
    }
}

TEST(ExpiryWarnings, SayEachMarkOnce) {
    ExpiryWarnings warnings;
    const Certificate one = certificate(kNow + std::chrono::days(40));
    const auto said = [&](std::chrono::seconds before, const Certificate& what) {
        return warnings.look("x", what, what.not_after - before).value_or("");
    };
    EXPECT_EQ(said(31 * 24h, one), "");
    EXPECT_EQ(said(30 * 24h, one), "CN=broker expires in 30 days, on 2026-03-12 12:00:00 UTC");
    EXPECT_EQ(said(29 * 24h, one), "");
    EXPECT_EQ(said(7 * 24h - 1s, one), "CN=broker expires in 6 days, on 2026-03-12 12:00:00 UTC");
    EXPECT_EQ(said(7 * 24h - 2s, one), "");
    EXPECT_EQ(said(1s, one), "CN=broker expires in less than a day, on 2026-03-12 12:00:00 UTC");
    EXPECT_EQ(said(0s, one), "CN=broker expired on 2026-03-12 12:00:00 UTC");
    EXPECT_EQ(said(-100h, one), "");
    EXPECT_EQ(said(40 * 24h, one), "") << "the clock was set back";
    const Certificate renewed = certificate(kNow + std::chrono::days(60));
    EXPECT_EQ(said(24h, renewed), "CN=broker expires in 1 day, on 2026-04-01 12:00:00 UTC");
}

TEST(Watched, LeavesOutCollectionsOfAuthorities) {
    TlsContents contents;
    contents.own = {certificate(), certificate()};
    contents.authorities.assign(10, certificate());
    EXPECT_EQ(watched(contents).size(), 12U);
    contents.authorities.assign(11, certificate());
    EXPECT_EQ(watched(contents).size(), 2U);
}

}  // namespace
}  // namespace hi6gw::mqtt
