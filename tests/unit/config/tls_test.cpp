// The files of mqtt.tls: looked at when the configuration is, each fault at its key.

#include "support.h"
#include "support/certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace hi6gw::config {
namespace {

using hi6gw::test::Authority;
using hi6gw::test::CertificateOptions;
using test::Files;
using test::with_signals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using std::chrono::hours;

class ConfiguredTls : public ::testing::Test {
  protected:
    ConfiguredTls() {
        files.write("ca.pem", authority.certificate());
        write_ours(hours(24 * 90));
    }
    void write_ours(std::chrono::seconds until) {
        CertificateOptions options;
        options.name = "gw";
        options.until = until;
        const auto ours = authority.issue(options);
        files.write("gw.pem", ours.certificate);
        files.write("gw.key", ours.key);
    }
    Loaded load(const std::string& url = "mqtts://broker") {
        return files.load(with_signals("    - {name: a, address: mw2}",
                                       "mqtt:\n  url: " + url + "\n  tls:\n    " +
                                           "ca_file: ca.pem\n" +
                                           "    cert_file: gw.pem\n    key_file: gw.key\n"));
    }

    Files files;
    Authority authority;
};

TEST_F(ConfiguredTls, IsFineWhenItIs) {
    const auto loaded = load();
    EXPECT_TRUE(loaded.config);
    EXPECT_THAT(files.shown(loaded.problems), IsEmpty());
}

TEST_F(ConfiguredTls, WhatCannotBeUsedIsAnErrorAtItsKey) {
    files.write("ca.pem", "nothing");
    std::filesystem::remove(files.directory() / "gw.pem");
    files.write("gw.key", hi6gw::test::encrypted(authority.issue().key, "hunter2"));
    const auto loaded = load();
    EXPECT_FALSE(loaded.config);
    EXPECT_THAT(
        files.shown(loaded.problems),
        ElementsAre(
            "c.yaml:4:14: mqtt.tls.ca_file: 'ca.pem' holds no certificate in PEM format",
            "c.yaml:5:16: mqtt.tls.cert_file: 'gw.pem' cannot be read: No such file or directory",
            "c.yaml:6:15: mqtt.tls.key_file: 'gw.key' needs a passphrase; one without is needed "
            "(openssl pkey)"));
}

TEST_F(ConfiguredTls, AKeyOfAnotherCertificateIsAnError) {
    files.write("gw.key", authority.issue().key);
    const auto loaded = load();
    EXPECT_FALSE(loaded.config);
    EXPECT_THAT(files.shown(loaded.problems),
                ElementsAre("c.yaml:6:15: mqtt.tls.key_file: 'gw.key' does not belong to the "
                            "certificate in cert_file"));
}

// The broker may still take it, and a restart with an old one must not stop the polling.
TEST_F(ConfiguredTls, DatesAreWarnings) {
    write_ours(hours(24 * 6 + 1));
    files.write("ca.pem", Authority("Old CA", -hours(1)).certificate());
    const auto loaded = load();
    EXPECT_TRUE(loaded.config);
    EXPECT_THAT(
        files.shown(loaded.problems),
        ElementsAre(AllOf(HasSubstr("mqtt.tls.ca_file: warning: the certificate CN=Old CA expired "
                                    "on 20"),
                          HasSubstr(" UTC")),
                    HasSubstr("mqtt.tls.cert_file: warning: the certificate CN=gw expires in 6 "
                              "days, on 20")));
}

TEST_F(ConfiguredTls, AKeyThatOthersCanReadIsWarnedOf) {
    std::filesystem::permissions(files.directory() / "gw.key", std::filesystem::perms(0644));
    const auto loaded = load();
    EXPECT_TRUE(loaded.config);
    EXPECT_THAT(files.shown(loaded.problems),
                ElementsAre(HasSubstr("c.yaml:6:15: mqtt.tls.key_file: warning: others can read it "
                                      "(mode 0644): chmod 6")));
}

TEST_F(ConfiguredTls, IsNotLookedAtWithoutTls) {
    files.write("gw.key", "nothing");
    const auto loaded = load("mqtt://broker");
    EXPECT_TRUE(loaded.config);
    EXPECT_THAT(files.shown(loaded.problems),
                ElementsAre(HasSubstr("mqtt.tls: warning: has no effect with mqtt://")));
}

TEST_F(ConfiguredTls, TheServerNameIsAHost) {
    for (const auto& [name, good] :
         std::vector<std::pair<std::string, bool>>{{"broker.plant", true},
                                                   {"10.0.0.5", true},
                                                   {"'fd00::5'", true},
                                                   {"broker:8883", false},
                                                   {"'a b'", false},
                                                   {"''", false},
                                                   {"'[fd00::5]'", false}}) {
        const auto loaded =
            files.load(with_signals("    - {name: a, address: mw2}",
                                    "mqtt: {url: 'mqtts://b', tls: {server_name: " + name + "}}"));
        EXPECT_EQ(loaded.config.has_value(), good) << name;
    }
}

}  // namespace
}  // namespace hi6gw::config
