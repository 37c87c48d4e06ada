// Events on their way through the journal to a session that the test plays.

#include "app/events.h"

#include "support/temp_dir.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace hi6gw::app {
namespace {

using namespace std::chrono_literals;
using Sent = std::vector<mqtt::Publication>;

class EventsTest : public testing::Test {
  protected:
    EventsTest() {
        config.topics.event = "ev/{controller}/{signal}/x";
        config.topics.gap = "ev/{controller}";
        start();
    }
    ~EventsTest() override { stop(); }
    void start() {
        events = std::make_unique<Events>(io.get_executor(), *time,
                                          std::make_shared<const config::Config>(config),
                                          std::make_shared<store::StateDir>(path), [] {});
        events->connected(100);
        running = true;
        boost::asio::co_spawn(io, events->run(),
                              boost::asio::bind_cancellation_slot(
                                  cancel.slot(), [this](const std::exception_ptr& /*cancelled*/) {
                                      running = false;
                                  }));
    }
    void stop() {
        cancel.emit(boost::asio::cancellation_type::terminal);
        EXPECT_TRUE(until([this] { return !running; }));
        events.reset();
    }
    bool until(const std::function<bool()>& done) {
        const auto end = Steady::now() + 10s;
        io.restart();
        while (!done()) {
            if (Steady::now() >= end) {
                return false;
            }
            if (io.run_one_for(20ms) == 0) {
                io.restart();
            }
        }
        return true;
    }
    void happen(const std::string& controller, int count) {
        for (int i = 0; i < count; ++i) {
            events->sink(controller)
                .event("a/b", std::int64_t{++value}, unix_ms(time->wall()), domain::Quality::good,
                       nullptr);
        }
    }
    // What can be sent now.
    Sent send() {
        Sent out;
        mqtt::Publication next;
        while (events->next(next)) {
            out.push_back(next);
        }
        return out;
    }
    Sent send_some(std::size_t count) {
        Sent out;
        EXPECT_TRUE(until([&] {
            for (mqtt::Publication& one : send()) {
                out.push_back(std::move(one));
            }
            return out.size() >= count;
        })) << out.size();
        return out;
    }
    void settle(const Sent& sent, bool arrived = true, const std::string& why = "") {
        for (const mqtt::Publication& one : sent) {
            events->settled(one.ticket, arrived, why);
        }
    }

    test::TempDir directory;
    std::filesystem::path path = directory.path() / "state";
    config::Config config;
    boost::asio::io_context io{1};
    std::unique_ptr<Time> time = make_real_time(io.get_executor());
    boost::asio::cancellation_signal cancel;
    std::unique_ptr<Events> events;
    bool running = false;
    int value = 0;
};

TEST_F(EventsTest, AreMessagesWithANumber) {
    happen("r1", 2);
    happen("r2", 1);
    const Sent sent = send_some(3);
    std::set<std::string> seen;
    for (const mqtt::Publication& one : sent) {
        EXPECT_EQ(one.qos, 1);
        EXPECT_FALSE(one.retain);
        const auto from = one.payload.find(",\"timestamp\":");
        const auto to = one.payload.find(",\"quality\"");
        seen.insert(one.topic + ' ' + one.payload.substr(0, from) + one.payload.substr(to));
    }
    EXPECT_EQ(seen, (std::set<std::string>{R"(ev/r1/a/b/x {"value":1,"quality":192,"seq":1})",
                                           R"(ev/r1/a/b/x {"value":2,"quality":192,"seq":2})",
                                           R"(ev/r2/a/b/x {"value":3,"quality":192,"seq":1})"}));
}

TEST_F(EventsTest, HaveHalfOfTheWindowAndTakeTurns) {
    events->connected(9);
    happen("r1", 10);
    happen("r2", 10);
    const Sent sent = send_some(4);
    ASSERT_TRUE(until([this] { return events->metrics().waiting == 20; }));
    EXPECT_EQ(send().size(), 0U);
    EXPECT_EQ(sent.size(), 4U);
    settle({sent[0], sent[1]});
    const Sent more = send();
    ASSERT_EQ(more.size(), 2U);
    EXPECT_NE(more[0].topic, more[1].topic);
    events->connected(1);
    settle(sent, false);
    settle(more, false);
}

TEST_F(EventsTest, OfARefusedOneAGapTells) {
    happen("r1", 3);
    const Sent sent = send_some(3);
    settle({sent[1]}, false, "Not authorized (0x87)");
    settle({sent[0], sent[2]});
    const Sent gap = send();
    ASSERT_EQ(gap.size(), 1U);
    EXPECT_EQ(gap[0].topic, "ev/r1");
    EXPECT_TRUE(gap[0].payload.starts_with(R"({"gap":{"from":2,"to":2,"reason":"refused"},)"));
    EXPECT_EQ(events->metrics().refused, 1U);
    settle(gap);
    EXPECT_TRUE(until([this] { return events->metrics().waiting == 0; }));
}

// A controller that the configuration does not have any more, and lanes that came and went.
TEST_F(EventsTest, GoOnUnderTheirNameWhateverBecomesOfTheController) {
    happen("gone", 2);
    outbox::EventSink& sink = events->sink("gone");
    EXPECT_EQ(&sink, &events->sink("gone"));
    send_some(2);
    stop();
    start();
    happen("r1", 1);
    const Sent sent = send_some(3);
    EXPECT_EQ(std::ranges::count(sent, "ev/gone/a/b/x", &mqtt::Publication::topic), 2);
    settle(sent);
    happen("gone", 1);
    const Sent next = send_some(1);
    EXPECT_NE(next[0].payload.find("\"seq\":3}"), std::string::npos) << next[0].payload;
}

}  // namespace
}  // namespace hi6gw::app
