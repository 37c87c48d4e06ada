#include "poll/paced_client.h"

#include "lane_bench.h"

#include <boost/asio/co_spawn.hpp>

namespace hi6gw::poll {
namespace {

constexpr auto kNoDeadline = Steady::time_point::max();

class PacedClientTest : public testing::Test {
  protected:
    template <class T>
    T finish(boost::asio::awaitable<T> call) {
        std::optional<T> result;
        boost::asio::co_spawn(io, std::move(call), [&](std::exception_ptr error, T value) {
            if (!error) {
                result = std::move(value);
            }
        });
        for (int i = 0; i < 100 && !result; ++i) {
            time.advance(100ms);
        }
        EXPECT_TRUE(result.has_value());
        return result.value_or(T{});
    }

    boost::asio::io_context io{1};
    support::VirtualTime time{io};
    FakeController controller{time};
    ops::Metrics metrics;
    std::unique_ptr<ops::ControllerMetrics> controller_metrics = metrics.controller("r1");
    PacedClient client{controller, *controller_metrics, time, 1000ms, 1};
    hi6::Address address = hi6::parse_address("fb0.dob3", hi6::IndexUnit::byte).value();
};

TEST_F(PacedClientTest, KeepsASecondBetweenConnects) {
    for (int i = 0; i < 5; ++i) {
        EXPECT_TRUE(finish(client.connect(kNoDeadline)).ok());
    }
    ASSERT_EQ(controller.connects.size(), 5U);
    for (std::size_t i = 1; i < 5; ++i) {
        EXPECT_EQ(controller.connects[i] - controller.connects[i - 1], 1s);
    }
}

TEST_F(PacedClientTest, ConnectsLessOftenTheMoreItFails) {
    controller.connect_mode = FakeController::Connect::refuse;
    for (int i = 0; i < 5; ++i) {
        EXPECT_FALSE(finish(client.connect(kNoDeadline)).ok());
    }
    ASSERT_EQ(controller.connects.size(), 5U);
    for (std::size_t i = 2; i < 5; ++i) {
        EXPECT_GT(controller.connects[i] - controller.connects[i - 1],
                  controller.connects[i - 1] - controller.connects[i - 2]);
    }
}

TEST_F(PacedClientTest, InAHurryItKeepsTheIntervalAlone) {
    controller.connect_mode = FakeController::Connect::refuse;
    for (int i = 0; i < 4; ++i) {
        finish(client.connect(kNoDeadline));
    }
    client.hurry();
    for (int i = 0; i < 3; ++i) {
        finish(client.connect(kNoDeadline));
    }
    ASSERT_EQ(controller.connects.size(), 7U);
    for (std::size_t i = 4; i < 7; ++i) {
        EXPECT_EQ(controller.connects[i] - controller.connects[i - 1], 1s);
    }
}

TEST_F(PacedClientTest, AConnectionThatNeverAnswersCountsAsAFailure) {
    FakeController::Fault lost;
    lost.outcome = hi6::Outcome::lost;
    controller.fault = [lost](const FakeController::Request&) { return lost; };
    for (int i = 0; i < 4; ++i) {
        EXPECT_TRUE(finish(client.connect(kNoDeadline)).ok());
        finish(client.read_single(address, time.now() + 1s));
        controller.up = false;
    }
    ASSERT_EQ(controller.connects.size(), 4U);
    EXPECT_GT(controller.connects[3] - controller.connects[2], 2s);
}

TEST_F(PacedClientTest, GivesUpAtTheDeadlineWithoutAConnect) {
    finish(client.connect(kNoDeadline));
    const auto start = time.now();
    EXPECT_FALSE(finish(client.connect(start + 300ms)).ok());
    EXPECT_EQ(controller.connects.size(), 1U);
    EXPECT_EQ(time.now(), start + 300ms);
}

TEST_F(PacedClientTest, CountsTheTimeOfRequestsOnly) {
    finish(client.connect(kNoDeadline));
    time.advance(10s);
    EXPECT_EQ(client.busy(), 0ns);
    finish(client.read_single(address, time.now() + 1s));
    EXPECT_EQ(client.busy(), controller.service);
    controller.up = false;
    EXPECT_EQ(finish(client.read_single(address, time.now() + 1s)).outcome, hi6::Outcome::not_sent);
    EXPECT_EQ(client.busy(), controller.service) << "nothing was sent";
    EXPECT_EQ(client.busy_since(), Steady::time_point::max());
}

TEST_F(PacedClientTest, ReopensForReadsWhereTheEndWasAnnounced) {
    controller.closes_after_each = true;
    finish(client.connect(kNoDeadline));
    EXPECT_EQ(finish(client.read_single(address, time.now() + 1s)).outcome, hi6::Outcome::ok);
    EXPECT_EQ(finish(client.read_single(address, time.now() + 10ms)).outcome, hi6::Outcome::ok)
        << "the deadline is put off by the wait";
    EXPECT_EQ(controller.connects.size(), 2U);
    EXPECT_GE(controller.connects[1] - controller.connects[0], 1s);
}

TEST_F(PacedClientTest, WritesNeverWaitForAConnection) {
    controller.closes_after_each = true;
    finish(client.connect(kNoDeadline));
    finish(client.read_single(address, time.now() + 1s));
    EXPECT_EQ(finish(client.write(address, 1, time.now() + 1s)).outcome, hi6::Outcome::not_sent);
    EXPECT_EQ(controller.connects.size(), 1U);
    EXPECT_EQ(controller.count("write"), 0U);
}

// Fault C27.
class ExpectedVersion : public PacedClientTest {
  protected:
    ExpectedVersion() { client.expect("V60.34-05"); }
};

TEST_F(ExpectedVersion, IsAskedForBeforeAnythingElse) {
    EXPECT_TRUE(finish(client.connect(kNoDeadline)).ok());
    EXPECT_TRUE(client.connected());
    ASSERT_EQ(controller.requests.size(), 1U);
    EXPECT_EQ(controller.requests[0].text, "get /versions/sysver");
    controller.up = false;
    EXPECT_TRUE(finish(client.connect(kNoDeadline)).ok());
    EXPECT_EQ(controller.requests.size(), 2U) << "on each connection";
}

TEST_F(ExpectedVersion, NobodyElseIsTakenForIt) {
    struct Case {
        const char* what;
        std::string body;
        hi6::Outcome outcome = hi6::Outcome::ok;
        bool closes = false;
    };
    const std::string right = controller.system_version;
    const std::vector<Case> cases{
        {"another version", R"({"modules":[{"name":"com","ver":"V60.34-06"}]})"},
        {"a longer one", R"({"modules":[{"name":"com","ver":"V60.34-05a"}]})"},
        {"that of another module", R"({"modules":[{"name":"tp","ver":"V60.34-05"}]})"},
        {"no module", R"({"modules":[]})"},
        {"not JSON", "<html>"},
        {"no such path", right, hi6::Outcome::refused},
        {"access refused", right, hi6::Outcome::unauthorised},
        {"the next connection may be anybody's", right, hi6::Outcome::ok, true},
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.what);
        controller.system_version = one.body;
        controller.closes_after_each = one.closes;
        FakeController::Fault fault;
        fault.outcome = one.outcome;
        controller.fault = [fault](const FakeController::Request&) { return fault; };
        time.advance(15s);  // the longest backoff
        const hi6::LinkFault told = finish(client.connect(kNoDeadline));
        EXPECT_EQ(told.kind, hi6::LinkFault::Kind::stranger);
        EXPECT_TRUE(told.detail.starts_with("wrong_device: ")) << told.detail;
        EXPECT_FALSE(client.connected());
        EXPECT_FALSE(controller.up) << "closed";
        EXPECT_EQ(finish(client.write(address, 1, time.now() + 1s)).outcome,
                  hi6::Outcome::not_sent);
    }
    EXPECT_EQ(controller.count("write"), 0U);
}

TEST_F(ExpectedVersion, NoAnswerIsNotAStranger) {
    for (const auto outcome : {hi6::Outcome::lost, hi6::Outcome::server_error}) {
        FakeController::Fault fault;
        fault.outcome = outcome;
        controller.fault = [fault](const FakeController::Request&) { return fault; };
        const hi6::LinkFault told = finish(client.connect(kNoDeadline));
        EXPECT_FALSE(told.ok());
        EXPECT_NE(told.kind, hi6::LinkFault::Kind::stranger);
        EXPECT_FALSE(client.connected());
    }
}

TEST_F(ExpectedVersion, AStrangerIsAskedLessAndLessOften) {
    controller.system_version = R"({"modules":[{"name":"com","ver":"V1"}]})";
    for (int i = 0; i < 5; ++i) {
        EXPECT_FALSE(finish(client.connect(kNoDeadline)).ok());
    }
    ASSERT_EQ(controller.connects.size(), 5U);
    for (std::size_t i = 2; i < 5; ++i) {
        EXPECT_GT(controller.connects[i] - controller.connects[i - 1],
                  controller.connects[i - 1] - controller.connects[i - 2]);
    }
}

TEST_F(ExpectedVersion, AConnectionThatWasNotAskedIsNotUsed) {
    finish(client.connect(kNoDeadline));
    client.expect("V60.34-05");
    EXPECT_TRUE(client.connected()) << "nothing has changed";
    client.expect("V60.34-06");
    EXPECT_FALSE(client.connected());
    EXPECT_FALSE(controller.up);
    EXPECT_FALSE(finish(client.connect(kNoDeadline)).ok());
    client.expect("");
    EXPECT_TRUE(finish(client.connect(kNoDeadline)).ok()) << "whoever it is";
}

}  // namespace
}  // namespace hi6gw::poll
