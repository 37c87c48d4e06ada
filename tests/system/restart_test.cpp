// The gateway is started again with another configuration: what the broker keeps of the one before
// must not stand there as good for ever, however that gateway ended.

#include "system/judged.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace hi6gw::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

const std::string kA = "      - {name: a, address: fb2.di3}\n";
const std::string kB = "      - {name: b, address: fb2.di4}\n";

struct Restart : JudgedPlant {
    explicit Restart(const std::string& more = kB)
        : JudgedPlant(kA + more, {{"a", "fb2.di3", false}}) {
        EXPECT_TRUE(becomes(probe, "a", "0", 192, 30s)) << "of 32,000 signals, perhaps";
    }
    void kill() {
        gateway.process().signal(SIGKILL);
        EXPECT_TRUE(gateway.process().wait(kPatience));
        invariants.died();
    }
    void start_with(const std::string& signals) {
        gateway.rewrite(base_yaml(broker) + controller_yaml(simulator, signals));
        gateway.start();
    }
    [[nodiscard]] std::filesystem::path file() const {
        return gateway.state_directory() + "/topics";
    }
    [[nodiscard]] std::string list() const {
        std::ostringstream out;
        out << std::ifstream(file()).rdbuf();
        return out.str();
    }
    // What somebody who subscribes now is told of a signal.
    [[nodiscard]] bool is_retained(const std::string& signal) const {
        MqttProbe late(broker);
        publish(broker, "hi6/end", "1");  // comes after all that is retained
        EXPECT_TRUE(late.wait_for("hi6/end", "1", kPatience));
        return !late.messages("hi6/r1/state/" + signal).empty();
    }
};

TEST(Restart, WhatIsNotConfiguredAnyMoreIsDeletedAtTheBroker) {
    Restart cell;
    ASSERT_TRUE(becomes(cell.probe, "b", "0"));
    cell.kill();
    EXPECT_TRUE(cell.is_retained("b")) << "and good, with nobody behind it";
    cell.start_with(kA);
    EXPECT_TRUE(cell.probe.wait_for("hi6/r1/state/b", "", kPatience));
    EXPECT_TRUE(
        eventually([&] { return cell.list().find("state/b") == std::string::npos; }, kPatience))
        << cell.list();
    EXPECT_FALSE(cell.is_retained("b"));
    EXPECT_THAT(cell.list(), HasSubstr("hi6/r1/state/a\n"));
    EXPECT_EQ(cell.gateway.stop(), 0);
    cell.invariants.died();
    // Not said again by a start that finds nothing to do.
    const std::size_t deletions = cell.probe.messages("hi6/r1/state/b").size();
    cell.start_with(kA);
    EXPECT_TRUE(becomes(cell.probe, "a", "0"));
    EXPECT_EQ(cell.probe.messages("hi6/r1/state/b").size(), deletions);
    cell.expect_well();
}

TEST(Restart, KilledBeforeTheBrokerAnsweredTheNextStartDeletesIt) {
    Restart cell;
    ASSERT_TRUE(becomes(cell.probe, "b", "0"));
    cell.kill();
    cell.broker.pause();
    cell.start_with(kA);
    EXPECT_TRUE(cell.gateway.process().wait_for_output("have no owner any more", kPatience));
    cell.kill();
    EXPECT_THAT(cell.list(), HasSubstr("hi6/r1/state/b\n"));
    cell.broker.resume();
    EXPECT_TRUE(cell.is_retained("b")) << "the broker has kept it, so the test shows something";
    cell.gateway.start();
    EXPECT_TRUE(cell.probe.wait_for("hi6/r1/state/b", "", kPatience));
    EXPECT_TRUE(becomes(cell.probe, "a", "0"));
    EXPECT_FALSE(cell.is_retained("b"));
    cell.expect_well();
}

// A reload names what it fills before it does.
TEST(Restart, WhatAReloadAddedIsKnownToTheNextStart) {
    Restart cell;
    EXPECT_TRUE(
        reloads(cell.gateway,
                base_yaml(cell.broker) +
                    controller_yaml(cell.simulator, kA + "      - {name: c, address: fb2.di5}\n")));
    EXPECT_TRUE(becomes(cell.probe, "c", "0"));
    EXPECT_TRUE(cell.probe.wait_for("hi6/r1/state/b", "", kPatience));
    cell.kill();
    cell.start_with(kA);
    EXPECT_TRUE(cell.probe.wait_for("hi6/r1/state/c", "", kPatience));
    EXPECT_FALSE(cell.is_retained("c"));
    cell.expect_well();
}

TEST(Restart, AListThatIsNotOursDeletesNothing) {
    Restart cell;
    ASSERT_TRUE(becomes(cell.probe, "b", "0"));
    cell.kill();
    PublishOptions retained;
    retained.retain = true;
    publish(cell.broker, "somebody/else", "1", retained);
    std::ofstream(cell.file()) << "somebody/else\nhi6/r1/state/b\n#\n";
    cell.start_with(kA);
    EXPECT_TRUE(cell.gateway.process().wait_for_output("is not understood", kPatience));
    EXPECT_TRUE(cell.is_retained("b")) << "nobody knows any more whose it is";
    EXPECT_THAT(cell.list(), HasSubstr("hi6/r1/state/a\n")) << "written anew";
    EXPECT_THAT(cell.list(), Not(HasSubstr("somebody")));
    cell.expect_well();
}

TEST(Restart, WithAStateDirectoryThatTakesNothingItGoesOnAndSaysSo) {
    Restart cell;
    cell.kill();
    std::filesystem::remove(cell.file());
    std::filesystem::create_directory(cell.file());  // in the way, whoever we are
    cell.start_with(kA);
    EXPECT_TRUE(cell.gateway.process().wait_for_output("cannot read", kPatience));
    EXPECT_TRUE(cell.gateway.process().wait_for_output("will stay at the broker", kPatience));
    cell.expect_well();
}

// It would delete there again what another gateway may fill by then.
TEST(Restart, WhatTheLastDrainDeletedIsForgottenWithIt) {
    Restart cell;
    ASSERT_TRUE(becomes(cell.probe, "b", "0"));
    EXPECT_TRUE(
        reloads(cell.gateway, base_yaml(cell.broker) + controller_yaml(cell.simulator, kA)));
    cell.expect_well();
    EXPECT_TRUE(cell.probe.wait_for("hi6/r1/state/b", "", kPatience));
    EXPECT_TRUE(cell.list().find("state/b") == std::string::npos) << cell.list();
}

TEST(Restart, WhatOneBrokerKeepsIsNotDeletedAtAnother) {
    Restart cell;
    ASSERT_TRUE(becomes(cell.probe, "b", "0"));
    const Broker other;
    PublishOptions theirs;
    theirs.retain = true;
    publish(other, "hi6/r1/state/b", "theirs", theirs);
    cell.broker.pause();  // the deletion cannot be said where it belongs
    EXPECT_TRUE(reloads(cell.gateway, base_yaml(other) + controller_yaml(cell.simulator, kA)));
    const MqttProbe there(other);
    EXPECT_TRUE(becomes(there, "a", "0"));
    EXPECT_TRUE(gateway_becomes(there, "online"));
    EXPECT_EQ(cell.gateway.stop(), 0);
    EXPECT_EQ(there.messages("hi6/r1/state/b").size(), 1U) << "as it was";
}

// More than are held in memory at once: 32,000.
std::string many() {
    std::string out;
    for (int block = 0; block < 10; ++block) {
        const std::string number = std::to_string(block);
        for (const char* relay : {"di", "do", "x", "y"}) {
            out += "      - {name: \"" + number + relay + "/{i}\", address: \"fb" + number + "." +
                   relay + "{i}\", for: 0..799}\n";
        }
    }
    return out;
}
// State topics that stand at the broker with a value.
std::int64_t retained(const Restart& cell) {
    const auto all = cell.probe.latest();
    return std::count_if(all.begin(), all.end(), [](const auto& each) {
        return each.first.starts_with("hi6/r1/state/") && !each.second.payload.empty();
    });
}

TEST(Restart, ManyAreDeletedInTurnsAndNoneIsForgotten) {
    Restart cell(many());
    ASSERT_TRUE(eventually([&] { return retained(cell) == 32'001; }, 30s)) << retained(cell);
    cell.kill();
    cell.start_with(kA);
    ASSERT_TRUE(eventually([&] { return retained(cell) < 25'000; }, 30s));
    cell.kill();
    cell.gateway.start();
    EXPECT_TRUE(eventually([&] { return retained(cell) == 1; }, 30s)) << retained(cell);
    cell.expect_well();
}

TEST(Restart, ManyAreDeletedInTurnsByAReload) {
    Restart cell(many());
    ASSERT_TRUE(eventually([&] { return retained(cell) == 32'001; }, 30s)) << retained(cell);
    EXPECT_TRUE(
        reloads(cell.gateway, base_yaml(cell.broker) + controller_yaml(cell.simulator, kA)));
    EXPECT_TRUE(eventually([&] { return retained(cell) == 1; }, 30s)) << retained(cell);
    EXPECT_TRUE(
        eventually([&] { return cell.list().find("/0di/") == std::string::npos; }, kPatience));
    cell.expect_well();
}

}  // namespace
}  // namespace hi6gw::test
