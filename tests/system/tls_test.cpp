// The daemon and a broker with TLS, while certificates come and go.

#include "support/certificates.h"
#include "support/net.h"
#include "support/proxy.h"
#include "support/tls_peer.h"
#include "system/judged.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <openssl/tls1.h>

#include <csignal>
#include <cstdlib>

namespace hi6gw::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

// Certificates for both sides, a broker with a plain port for the probe and one with TLS that
// demands a certificate, and a controller.
struct TlsPlant {
    TlsPlant() {
        write("clients.pem", authority.certificate());
        write("ca.pem", authority.certificate());
        const Credentials its = authority.issue();
        write("broker.pem", its.certificate);
        write("broker.key", its.key);
        write_ours(ours("gw", 24h * 365));
        BrokerOptions options;
        options.config = {"listener " + std::to_string(tls_port) + " 127.0.0.1",
                          "cafile " + path("clients.pem"),
                          "certfile " + path("broker.pem"),
                          "keyfile " + path("broker.key"),
                          "require_certificate true",
                          "use_subject_as_username true"};
        broker = std::make_unique<Broker>(std::move(options));
        probe = std::make_unique<MqttProbe>(*broker);
        invariants = std::make_unique<Invariants>(*broker);
        invariants->watch("r1", simulator, {{"a", "fb2.di3", false}});
    }

    std::string write(const std::string& name, const std::string& text) const {
        return directory.file(name, text).string();
    }
    [[nodiscard]] std::string path(const std::string& name) const {
        return (directory.path() / name).string();
    }
    [[nodiscard]] Credentials ours(const std::string& name, std::chrono::seconds until) const {
        CertificateOptions options;
        options.name = name;
        options.subject_names = {};
        options.until = until;
        return authority.issue(options);
    }
    void write_ours(const Credentials& ours) const {
        write("gw.pem", ours.certificate);
        write("gw.key", ours.key);
        std::filesystem::permissions(path("gw.key"), std::filesystem::perms(0600));
    }
    [[nodiscard]] std::string yaml() const { return yaml(tls_port); }
    [[nodiscard]] std::string yaml(std::uint16_t port) const {
        return "gateway: {id: line1}\ndefaults: {poll: 20ms}\nmqtt:\n  url: mqtts://localhost:" +
               std::to_string(port) + "\n  tls:\n    ca_file: " + path("ca.pem") +
               "\n    cert_file: " + path("gw.pem") + "\n    key_file: " + path("gw.key") + "\n" +
               controller_yaml(simulator, "      - {name: a, address: fb2.di3}\n");
    }

    void expect_well(Gateway& gateway) const { test::expect_well(*invariants, gateway); }

    TempDir directory;
    Authority authority;
    std::uint16_t tls_port = free_port();
    std::unique_ptr<Broker> broker;
    std::unique_ptr<MqttProbe> probe;
    Simulator simulator;
    std::unique_ptr<Invariants> invariants;
};

bool says(Gateway& gateway, const std::string& text) {
    return gateway.process().wait_for_output(text, kPatience);
}

TEST(Tls, ValuesArriveAndExpiryIsInLogAndMetrics) {
    TlsPlant plant;
    plant.write_ours(plant.ours("gw", 24h * 6 + 1h));
    Gateway gateway(plant.yaml());
    EXPECT_TRUE(becomes(*plant.probe, "a", "0"));
    EXPECT_TRUE(plant.broker->wait_for_log("u'CN=gw'", kPatience));
    EXPECT_TRUE(says(gateway, "TLS: cert_file \"" + plant.path("gw.pem") +
                                  "\": CN=gw expires in 6 days, on 20"));
    const auto in = [](std::chrono::seconds time) {
        return static_cast<double>(std::chrono::duration_cast<std::chrono::seconds>(
                                       (std::chrono::system_clock::now() + time).time_since_epoch())
                                       .count());
    };
    const std::string metric = "hi6gw_tls_certificate_expiry_timestamp_seconds";
    EXPECT_NEAR(gateway.metric(metric, "gw.pem"), in(24h * 6 + 1h), 60);
    EXPECT_NEAR(gateway.metric(metric, "ca.pem"), in(24h * 3650), 60);
    EXPECT_NEAR(gateway.metric("hi6gw_tls_broker_certificate_expiry_timestamp_seconds"),
                in(24h * 365), 60);
    plant.expect_well(gateway);
    EXPECT_TRUE(status_becomes(*plant.probe, "offline"));
}

TEST(Tls, ARefusedBrokerIsNamedAndTrustedAsSoonAsItsAuthorityIsThere) {
    TlsPlant plant;
    plant.write("ca.pem", Authority("Other CA").certificate());
    Gateway gateway(plant.yaml());
    const std::string why =
        "TLS: the authority \"CN=Plant CA\" above the broker's certificate is not in ca_file";
    EXPECT_TRUE(says(gateway, "[mqtt] cannot connect: " + why + " \"" + plant.path("ca.pem") +
                                  "\"; trying again every 30 s"));
    EXPECT_THAT(
        gateway.get("/readyz").body,
        HasSubstr(R"("reason":"not connected to the broker: TLS: the authority \"CN=Plant)"));
    EXPECT_THAT(plant.broker->log(), Not(HasSubstr("hi6gw-line1")));
    plant.write("ca.pem", plant.authority.certificate());
    EXPECT_TRUE(becomes(*plant.probe, "a", "0"));
    EXPECT_TRUE(says(gateway, "TLS: certificates or key have changed: connecting anew"));
    EXPECT_EQ(gateway.metric("hi6gw_mqtt_connects_total"), 1);
    plant.expect_well(gateway);
}

TEST(Tls, ANewCertificateIsInForceWithoutARestartAndAHalfOneChangesNothing) {
    TlsPlant plant;
    Gateway gateway(plant.yaml());
    EXPECT_TRUE(becomes(*plant.probe, "a", "0"));
    const Credentials renewed = plant.ours("gw-renewed", 24h * 365);
    plant.write("gw.pem", renewed.certificate);
    EXPECT_TRUE(says(gateway, "TLS: key_file \"" + plant.path("gw.key") +
                                  "\" does not belong to the certificate in cert_file; what is "
                                  "connected stays so, until it can be used"));
    plant.simulator.set("fb2.di3", 1);
    EXPECT_TRUE(becomes(*plant.probe, "a", "1"));
    EXPECT_EQ(gateway.metric("hi6gw_mqtt_connects_total"), 1);
    plant.write("gw.key", renewed.key);
    EXPECT_TRUE(plant.broker->wait_for_log("u'CN=gw-renewed'", kPatience));
    EXPECT_TRUE(says(gateway, "connection lost: closed by the gateway, for new certificates"));
    plant.simulator.set("fb2.di3", 0);
    EXPECT_TRUE(becomes(*plant.probe, "a", "0"));
    EXPECT_EQ(gateway.metric("hi6gw_mqtt_connects_total"), 2);
    for (const Received& status : plant.probe->messages("hi6/gateway/line1/status")) {
        EXPECT_THAT(status.payload, HasSubstr("online"));
    }
    plant.expect_well(gateway);
}

TEST(Tls, AReloadTurnsItOnWithAllThatBelongsToItAndOffAgain) {
    TlsPlant plant;
    const std::string plain =
        base_yaml(*plant.broker) +
        controller_yaml(plant.simulator, "      - {name: a, address: fb2.di3}\n");
    const auto expiries = [](Gateway& gateway) {
        return gateway.metric("hi6gw_tls_certificate_expiry_timestamp_seconds", "gw.pem") +
               gateway.metric("hi6gw_tls_broker_certificate_expiry_timestamp_seconds");
    };
    Proxy relay(plant.tls_port);
    Gateway gateway(plain);
    EXPECT_TRUE(becomes(*plant.probe, "a", "0"));
    EXPECT_EQ(expiries(gateway), 0);
    gateway.rewrite(plant.yaml(relay.port()));
    gateway.process().signal(SIGHUP);
    EXPECT_TRUE(plant.broker->wait_for_log("u'CN=gw'", kPatience));
    EXPECT_TRUE(eventually([&] { return expiries(gateway) > 2e9; }, kPatience)) << "both";
    // Off again while a connection is being made: the broker has accepted it, but has not been
    // heard.
    relay.to_client({.delay = 300ms});
    plant.write_ours(plant.ours("gw-renewed", 24h * 365));
    EXPECT_TRUE(plant.broker->wait_for_log("u'CN=gw-renewed'", kPatience));
    gateway.rewrite(plain);
    gateway.process().signal(SIGHUP);
    // The fourth connect is without TLS: what comes before it has been.
    EXPECT_TRUE(
        eventually([&] { return gateway.metric("hi6gw_mqtt_connects_total") == 4; }, kPatience));
    EXPECT_EQ(expiries(gateway), 0);
    plant.simulator.set("fb2.di3", 1);
    EXPECT_TRUE(becomes(*plant.probe, "a", "1"));
    EXPECT_EQ(plant.simulator.stat("connections_total"), 1);
    plant.expect_well(gateway);
}

// H18: of whichever file is gone when the configuration is read again.
TEST(Tls, FilesThatAreGoneAtAReloadLeaveTheOldInForce) {
    TlsPlant plant;
    Gateway gateway(plant.yaml());
    ASSERT_TRUE(becomes(*plant.probe, "a", "0"));
    const auto reason = [&] {
        const auto now = latest(*plant.probe, "hi6/gateway/line1/status");
        const auto* text = now.as_object().if_contains("reason");
        return text == nullptr ? std::string() : std::string(text->as_string());
    };
    int value = 0;
    for (const auto& [file, key] : {std::pair{"ca.pem", "mqtt.tls.ca_file"},
                                    {"gw.pem", "mqtt.tls.cert_file"},
                                    {"gw.key", "mqtt.tls.key_file"}}) {
        SCOPED_TRACE(file);
        std::filesystem::rename(plant.path(file), plant.path("aside"));
        ASSERT_TRUE(reloads(gateway, plant.yaml(), "refused")) << gateway.process().err();
        EXPECT_TRUE(eventually([&] { return reason().starts_with("config_error: "); }, kPatience));
        EXPECT_THAT(reason(), HasSubstr(key));
        value = 1 - value;
        plant.simulator.set("fb2.di3", value);
        EXPECT_TRUE(becomes(*plant.probe, "a", std::to_string(value)));
        std::filesystem::rename(plant.path("aside"), plant.path(file));
        ASSERT_TRUE(reloads(gateway, plant.yaml())) << gateway.process().err();
        EXPECT_TRUE(eventually([&] { return reason().empty(); }, kPatience));
    }
    EXPECT_EQ(gateway.metric("hi6gw_mqtt_connects_total"), 1);
    plant.expect_well(gateway);
}

// With OpenSSL told to be lenient by the system's configuration, it is the gateway's own doing.
TEST(Tls, OldVersionsAreNotSpokenWhateverTheSystemAllows) {
    TlsPlant plant;
    TlsPeerOptions old;
    old.lenient = true;
    old.max_version = TLS1_1_VERSION;
    const TlsPeer peer(plant.authority.issue(), old);
    const std::string lenient = plant.write("openssl.cnf",
                                            "openssl_conf = main\n[main]\nssl_conf = ssl\n"
                                            "[ssl]\nsystem_default = default\n"
                                            "[default]\nMinProtocol = TLSv1\n"
                                            "CipherString = ALL:@SECLEVEL=0\n");
    ::setenv("OPENSSL_CONF", lenient.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): for the child
    Gateway gateway(plant.yaml(peer.port()));
    ::unsetenv("OPENSSL_CONF");  // NOLINT(concurrency-mt-unsafe)
    EXPECT_TRUE(says(gateway,
                     "cannot connect: TLS: the broker refuses TLS 1.2 and 1.3 (alert: "
                     "protocol version)"));
    ASSERT_EQ(peer.visits().size(), 1U);
    EXPECT_FALSE(peer.visits().front().shook_hands);
}

}  // namespace
}  // namespace hi6gw::test
