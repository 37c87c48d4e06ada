// TLS between the session and real brokers, with certificates made on the spot: what is refused is
// refused before CONNECT, once, and for a reason that says which file, which name, which date.

#include "component/mqtt/session_fixture.h"
#include "support/certificates.h"
#include "support/temp_dir.h"
#include "support/tls_peer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <openssl/tls1.h>

#include <functional>

namespace hi6gw::mqtt {
namespace {

using std::chrono::hours;
using test::Authority;
using test::Broker;
using test::BrokerOptions;
using test::CertificateOptions;
using test::Credentials;
using test::TlsPeer;
using test::TlsPeerOptions;
using test::TlsVisit;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// The files of both sides, in one directory.
class Plant {
  public:
    Plant() { write_authority(authority); }

    std::string write(const std::string& name, const std::string& text) const {
        return directory.file(name, text).string();
    }
    void write_authority(const Authority& one) const { write("ca.pem", one.certificate()); }
    void write_ours(const Credentials& ours) const {
        write("gw.pem", ours.certificate);
        write("gw.key", ours.key);
    }
    [[nodiscard]] std::string path(const std::string& name) const {
        return (directory.path() / name).string();
    }
    // A broker of the plant's with these credentials.
    [[nodiscard]] BrokerOptions broker(const Credentials& its, bool mutual = false) const {
        write("clients.pem", authority.certificate());
        BrokerOptions options;
        options.config = {"certfile " + write("broker.pem", its.certificate),
                          "keyfile " + write("broker.key", its.key)};
        if (mutual) {
            options.config.push_back("cafile " + path("clients.pem"));
            options.config.emplace_back("require_certificate true");
        }
        return options;
    }
    [[nodiscard]] PahoOptions options(std::uint16_t port) const {
        PahoOptions out;
        out.host = "localhost";
        out.port = port;
        out.client_id = "hi6gw-test";
        out.username = "user";
        out.password = "hunter2";
        out.tls.emplace();
        out.tls->files.ca_file = path("ca.pem");
        return out;
    }
    [[nodiscard]] PahoOptions options_with_certificate(std::uint16_t port) const {
        PahoOptions out = options(port);
        out.tls->files.cert_file = path("gw.pem");
        out.tls->files.key_file = path("gw.key");
        return out;
    }

    test::TempDir directory;
    Authority authority;
};

CertificateOptions ours(std::chrono::seconds until = hours(24 * 90)) {
    CertificateOptions options;
    options.name = "gw";
    options.subject_names = {};
    options.until = until;
    return options;
}

// The first failure of a session with these options.
std::string first_failure(const PahoOptions& options) {
    SessionFixture it(options);
    it.start();
    if (!it.until([&] { return !it.failures.empty() || it.session->connected(); }, seconds(15))) {
        return "nothing happened";
    }
    if (it.failures.empty()) {
        return "connected";
    }
    EXPECT_TRUE(it.failures.front().second) << "is tried again soon";
    return it.failures.front().first;
}

TEST(Tls, ConnectsToABrokerOfTheAuthority) {
    const Plant plant;
    const Broker broker(plant.broker(plant.authority.issue()));
    SessionFixture it(plant.options(broker.port()));
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    ASSERT_TRUE(it.connects.front().certificate_expiry);
    const auto left = *it.connects.front().certificate_expiry - std::chrono::system_clock::now();
    EXPECT_GT(left, hours(24 * 364));
    EXPECT_LT(left, hours(24 * 366));
}

TEST(Tls, ConnectsByAddressAndByEitherVersionOfMqtt) {
    const Plant plant;
    const Broker broker(plant.broker(plant.authority.issue()));
    for (const int version : {5, 3}) {
        PahoOptions options = plant.options(broker.port());
        options.host = "127.0.0.1";
        options.version = version;
        SessionFixture it(options);
        it.start();
        EXPECT_TRUE(it.connected_within(seconds(10)));
    }
}

TEST(Tls, ShowsItsCertificateWhereTheBrokerDemandsOne) {
    const Plant plant;
    plant.write_ours(plant.authority.issue(ours()));
    const Broker broker(plant.broker(plant.authority.issue(), true));
    SessionFixture it(plant.options_with_certificate(broker.port()));
    it.start();
    EXPECT_TRUE(it.connected_within(seconds(10)));
}

struct Refusal {
    const char* name;
    std::function<Credentials(const Plant&)> broker;
    std::function<void(PahoOptions&)> change;
    std::vector<std::string> says;
};

CertificateOptions with_names(std::vector<std::string> names) {
    CertificateOptions options;
    options.subject_names = std::move(names);
    return options;
}

TEST(Tls, RefusesABrokerThatItCannotTrustBeforeConnect) {
    const std::vector<Refusal> refusals{
        {"expired",
         [](const Plant& plant) {
             CertificateOptions options;
             options.until = -hours(1);
             return plant.authority.issue(options);
         },
         {},
         {"TLS: the broker's certificate (CN=localhost) expired on 20", " UTC"}},
        {"not yet valid",
         [](const Plant& plant) {
             CertificateOptions options;
             options.from = hours(1);
             return plant.authority.issue(options);
         },
         {},
         {"the broker's certificate (CN=localhost) is not valid before 20", "clock"}},
        {"wrong host",
         [](const Plant& plant) {
             return plant.authority.issue(with_names({"DNS:broker.plant", "IP:10.0.0.5"}));
         },
         {},
         {"is not for \"localhost\" but for \"broker.plant\", 10.0.0.5;", "mqtt.tls.server_name"}},
        {"wrong address",
         [](const Plant& plant) { return plant.authority.issue(with_names({"DNS:localhost"})); },
         [](PahoOptions& options) { options.host = "127.0.0.1"; },
         {"is not for \"127.0.0.1\" but for \"localhost\";"}},
        {"wrong host, common name only",
         [](const Plant& plant) {
             CertificateOptions options = with_names({});
             options.name = "old.broker";
             return plant.authority.issue(options);
         },
         {},
         {"is not for \"localhost\" but for common name \"old.broker\";"}},
        {"other name expected",
         [](const Plant& plant) { return plant.authority.issue(); },
         [](PahoOptions& options) { options.tls->server_name = "broker.plant"; },
         {"is not for \"broker.plant\" but for \"localhost\", 127.0.0.1;"}},
        {"unknown authority",
         [](const Plant& /*unused*/) { return Authority("Other CA").issue(); },
         {},
         {"the broker's certificate (CN=localhost) was issued by \"CN=Other CA\", which is not in "
          "ca_file \"/",
          "/ca.pem\""}},
        {"authority of the same name",
         [](const Plant& /*unused*/) { return Authority("Plant CA").issue(); },
         {},
         {"was issued by \"CN=Plant CA\", which is not in ca_file",
          "/ca.pem\": the one of that name there has another key"}},
        {"no ca_file",
         [](const Plant& plant) { return plant.authority.issue(); },
         [](PahoOptions& options) { options.tls->files.ca_file.clear(); },
         {"was issued by \"CN=Plant CA\", which is not among the system's authorities"}},
        {"self-signed",
         [](const Plant& /*unused*/) { return test::self_signed(); },
         {},
         {"the broker's certificate (CN=localhost) is signed by itself, and it is not in ca_file"}},
    };
    for (const Refusal& each : refusals) {
        SCOPED_TRACE(each.name);
        const Plant plant;
        const Broker broker(plant.broker(each.broker(plant)));
        PahoOptions options = plant.options(broker.port());
        if (each.change) {
            each.change(options);
        }
        const std::string why = first_failure(options);
        EXPECT_THAT(why, StartsWith("TLS: "));
        for (const std::string& text : each.says) {
            EXPECT_THAT(why, HasSubstr(text));
        }
        EXPECT_THAT(broker.log(), Not(HasSubstr("hi6gw-test")));  // which CONNECT would have said
    }
}

TEST(Tls, RefusesABrokerWhoseAuthorityHasExpired) {
    Plant plant;
    plant.authority = Authority("Old CA", -hours(2));
    plant.write_authority(plant.authority);
    const Broker broker(plant.broker(plant.authority.issue()));
    EXPECT_THAT(first_failure(plant.options(broker.port())),
                StartsWith("TLS: the certificate above the broker's (CN=Old CA) expired on 20"));
    EXPECT_THAT(broker.log(), Not(HasSubstr("hi6gw-test")));
}

// Whether mosquitto's reason still gets through is a race here (see TlsGuard::broken).
TEST(Tls, SaysThatTheBrokerRefusesOurCertificate) {
    struct Row {
        const char* name;
        std::function<std::optional<Credentials>(const Plant&)> ours;
        std::vector<std::string> says;
    };
    const std::vector<Row> rows{
        {"none",
         [](const Plant& /*unused*/) { return std::nullopt; },
         {"TLS: the broker demands a client certificate: mqtt.tls.cert_file and key_file"}},
        {"expired",
         [](const Plant& plant) { return plant.authority.issue(ours(-hours(1))); },
         {"TLS: the broker refuses our certificate, cert_file \"/",
          "/gw.pem\" (CN=gw, issued by CN=Plant CA, expired on 20"}},
        {"of another authority",
         [](const Plant& /*unused*/) { return Authority("Other CA").issue(ours()); },
         {"TLS: the broker refuses our certificate, cert_file",
          "(CN=gw, issued by CN=Other CA, valid until 20"}},
    };
    for (const Row& each : rows) {
        SCOPED_TRACE(each.name);
        const Plant plant;
        const auto mine = each.ours(plant);
        if (mine) {
            plant.write_ours(*mine);
        }
        const Broker broker(plant.broker(plant.authority.issue(), true));
        const std::string why = first_failure(mine ? plant.options_with_certificate(broker.port())
                                                   : plant.options(broker.port()));
        for (const std::string& text : each.says) {
            EXPECT_THAT(why, HasSubstr(text));
        }
        EXPECT_THAT(broker.log(), Not(HasSubstr("hi6gw-test")));
    }
}

TEST(Tls, FilesThatCannotBeUsedAreNamedAndNobodyIsConnectedTo) {
    struct Row {
        std::string file;
        std::function<void(const Plant&)> spoil;
        std::string says;
    };
    const auto write = [](const std::string& name, const std::string& text) {
        return [name, text](const Plant& plant) { plant.write(name, text); };
    };
    const auto remove = [](const std::string& name) {
        return [name](const Plant& plant) { std::filesystem::remove(plant.path(name)); };
    };
    const std::vector<Row> rows{
        {"ca_file", remove("ca.pem"), "ca.pem\" cannot be read: No such file or directory"},
        {"cert_file", remove("gw.pem"), "gw.pem\" cannot be read: No such file or directory"},
        {"key_file", remove("gw.key"), "gw.key\" cannot be read: No such file or directory"},
        {"ca_file", write("ca.pem", "hello"), "ca.pem\" holds no certificate in PEM format"},
        {"ca_file", write("ca.pem", ""), "ca.pem\" holds no certificate in PEM format"},
        {"cert_file",
         [](const Plant& plant) {
             plant.write("gw.pem", test::der(plant.authority.issue(ours()).certificate));
         },
         "gw.pem\" is in DER format; PEM is needed (openssl x509 -inform DER)"},
        {"cert_file",
         [](const Plant& plant) {
             std::string text = plant.authority.issue(ours()).certificate;
             plant.write("gw.pem", text.erase(100, 20));
         },
         "gw.pem\" holds a damaged certificate, or something else"},
        {"key_file", write("gw.key", "hello"), "gw.key\" holds no private key in PEM format"},
        {"key_file",
         [](const Plant& plant) {
             plant.write("gw.key", test::encrypted(plant.authority.issue(ours()).key, "hunter2"));
         },
         "gw.key\" needs a passphrase; one without is needed (openssl pkey)"},
        {"key_file",
         [](const Plant& plant) { plant.write("gw.key", plant.authority.issue(ours()).key); },
         "gw.key\" does not belong to the certificate in cert_file"},
        {"key_file",
         [](const Plant& plant) {
             std::filesystem::remove(plant.path("gw.key"));
             std::filesystem::create_directory(plant.path("gw.key"));
         },
         "gw.key\" is not a file"},
    };
    const Plant good;
    const Broker broker(good.broker(good.authority.issue(), true));
    for (const Row& each : rows) {
        SCOPED_TRACE(each.says);
        const Plant plant;
        plant.write_ours(plant.authority.issue(ours()));
        each.spoil(plant);
        EXPECT_THAT(first_failure(plant.options_with_certificate(broker.port())),
                    AllOf(StartsWith("TLS: " + each.file + " \"/"), EndsWith(each.says)));
    }
    // The one connection is this test's own, from when it waited for the broker.
    const std::string log = broker.log();
    const auto first = log.find("New connection");
    EXPECT_EQ(log.find("New connection", first + 1), std::string::npos) << log;
}

TEST(Tls, ARefusalIsNotRepeatedSoonButRenewEndsThePause) {
    const Plant plant;
    const Authority other("Other CA");
    const Broker broker(plant.broker(other.issue()));
    SessionFixture it(plant.options(broker.port()));
    it.start();
    ASSERT_TRUE(it.until([&] { return !it.failures.empty(); }, seconds(10)));
    EXPECT_FALSE(it.until([&] { return it.failures.size() > 1; }, seconds(4)));
    plant.write_authority(other);
    it.session->renew("new files");
    EXPECT_TRUE(it.connected_within(seconds(5)));
}

TEST(Tls, RenewMakesALivingConnectionAnewWithTheNewFilesAndWithoutAWill) {
    const Plant plant;
    plant.write_ours(plant.authority.issue(ours()));
    BrokerOptions broker_options = plant.broker(plant.authority.issue(), true);
    broker_options.config.emplace_back("use_subject_as_username true");
    const Broker broker(std::move(broker_options));
    PahoOptions options = plant.options_with_certificate(broker.port());
    options.will = PahoWill{.topic = "gw/status", .payload = "offline"};
    LatestSource source;
    SessionFixture it(options);
    it.session->add(source, Priority::state);
    it.on_connected = [&] { source.say_all_again(); };
    source.set("a", "1");
    it.start();
    ASSERT_TRUE(it.connected_within(seconds(10)));
    ASSERT_TRUE(broker.wait_for_log("u'CN=gw'", seconds(5)));
    CertificateOptions renewed = ours();
    renewed.name = "gw-renewed";
    plant.write_ours(plant.authority.issue(renewed));
    it.session->renew("new files");
    ASSERT_TRUE(it.until([&] { return it.connects.size() == 2; }, seconds(5)));
    EXPECT_TRUE(it.until([&] { return source.idle(); }, seconds(5)));
    EXPECT_THAT(it.losses, ElementsAre("new files"));
    EXPECT_THAT(it.failures, IsEmpty());
    EXPECT_TRUE(broker.wait_for_log("u'CN=gw-renewed'", seconds(5)));
    EXPECT_THAT(broker.log(), HasSubstr("Received DISCONNECT from hi6gw-test"));
}

TEST(Tls, TheExpectedNameIsVerifiedAndIndicated) {
    const Plant plant;
    const TlsPeer peer(plant.authority.issue(with_names({"DNS:broker.plant"})));
    PahoOptions options = plant.options(peer.port());
    options.host = "127.0.0.1";
    options.tls->server_name = "broker.plant";
    SessionFixture it(options);
    it.start();
    ASSERT_TRUE(it.until([&] { return !peer.visits().empty(); }, seconds(10)));
    const TlsVisit visit = peer.visits().front();
    EXPECT_EQ(visit.name, "broker.plant");
    EXPECT_EQ(visit.version, "TLSv1.3");
    EXPECT_THAT(visit.sent, StartsWith("\x10"));  // CONNECT
}

TEST(Tls, AHostNameIsIndicatedAndAnAddressIsNot) {
    const Plant plant;
    const Credentials credentials =
        plant.authority.issue(with_names({"DNS:localhost", "IP:127.0.0.1", "IP:0:0:0:0:0:0:0:1"}));
    for (const std::string host : {"localhost", "127.0.0.1", "::1"}) {
        SCOPED_TRACE(host);
        TlsPeerOptions where;
        where.ipv6 = host == "::1";
        const TlsPeer peer(credentials, where);
        PahoOptions options = plant.options(peer.port());
        options.host = host;
        SessionFixture it(options);
        it.start();
        ASSERT_TRUE(it.until([&] { return !peer.visits().empty(); }, seconds(10)));
        const TlsVisit visit = peer.visits().front();
        EXPECT_EQ(visit.name.value_or("none"), host == "localhost" ? host : "none");
        EXPECT_THAT(visit.sent, StartsWith("\x10"));
    }
}

TEST(Tls, NothingOlderThanTls12IsSpoken) {
    const Plant plant;
    TlsPeerOptions old;
    old.lenient = true;
    old.max_version = TLS1_1_VERSION;
    const TlsPeer peer(plant.authority.issue(), old);
    EXPECT_EQ(first_failure(plant.options(peer.port())),
              "TLS: the broker refuses TLS 1.2 and 1.3 (alert: protocol version)");
    ASSERT_THAT(peer.visits(), ::testing::SizeIs(1));
    EXPECT_FALSE(peer.visits().front().shook_hands);
}

// Paho lowers OpenSSL's security level; what the system has is in force all the same.
TEST(Tls, AWeakKeyIsRefused) {
    const Plant plant;
    CertificateOptions weak;
    weak.weak = true;
    TlsPeerOptions lenient;
    lenient.lenient = true;
    const TlsPeer peer(plant.authority.issue(weak), lenient);
    EXPECT_EQ(first_failure(plant.options(peer.port())),
              "TLS: the broker's certificate (CN=localhost): EE certificate key too weak");
}

TEST(Tls, TheReasonOfTheBrokerIsPassedOn) {
    const Plant plant;
    const Authority other("Other CA");
    struct Row {
        const char* name;
        int version;
        std::optional<Credentials> ours;
        std::string says;
    };
    const std::vector<Row> rows{
        {"none", 0, std::nullopt,
         "the broker demands a client certificate: mqtt.tls.cert_file and key_file"},
        {"none, 1.2", TLS1_2_VERSION, std::nullopt,
         "the broker refuses the handshake (alert: handshake failure); it may demand a client "
         "certificate: mqtt.tls.cert_file and key_file"},
        {"expired", 0, plant.authority.issue(ours(-hours(1))), "): certificate expired"},
        {"expired, 1.2", TLS1_2_VERSION, plant.authority.issue(ours(-hours(1))),
         "): certificate expired"},
        {"unknown", 0, other.issue(ours()), "): unknown CA"},
    };
    for (const Row& each : rows) {
        SCOPED_TRACE(each.name);
        TlsPeerOptions demanding;
        demanding.max_version = each.version;
        demanding.demand = plant.authority.certificate();
        const TlsPeer peer(plant.authority.issue(), demanding);
        PahoOptions options = plant.options(peer.port());
        if (each.ours) {
            plant.write_ours(*each.ours);
            options = plant.options_with_certificate(peer.port());
        }
        EXPECT_THAT(first_failure(options), AllOf(StartsWith("TLS: "), EndsWith(each.says)));
    }
}

TEST(Tls, AConnectionThatBreaksInTheHandshakeIsTriedAgainSoon) {
    const Plant plant;
    const Broker broker;  // without TLS: it hangs up
    TlsPeerOptions other;
    other.instead = "SSH-2.0-something\r\n";
    const TlsPeer talker(plant.authority.issue(), other);
    for (const auto& [port, why] : std::vector<std::pair<std::uint16_t, std::string>>{
             {broker.port(),
              "the connection broke during the handshake; is TLS spoken at this port?"},
             {talker.port(), "what answers there does not speak TLS; is the port right?"}}) {
        SessionFixture it(plant.options(port));
        it.start();
        ASSERT_TRUE(it.until([&] { return !it.failures.empty(); }, seconds(10)));
        EXPECT_EQ(it.failures.front(), std::make_pair("TLS: " + why, false));
    }
    EXPECT_THAT(broker.log(), Not(HasSubstr("hi6gw-test")));
}

}  // namespace
}  // namespace hi6gw::mqtt
