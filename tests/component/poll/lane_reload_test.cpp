// A lane that takes over from another one on the same connection: after a reload.

#include "lane_bench.h"

namespace hi6gw::poll {
namespace {

std::vector<config::Signal> usual() {
    return {make_signal("fb0.do0"), make_signal("fb0.dob3"), make_signal("fb0.dow4"),
            make_signal("fb0.dow11")};
}

class LaneReload : public testing::Test {
  protected:
    LaneReload() {
        for (std::uint32_t i = 0; i < 120; ++i) {
            bench.controller.put(kOut, i, {static_cast<std::uint8_t>(i * 37 + 11)});
            bench.controller.put(kIn, i, {static_cast<std::uint8_t>(i * 53 + 7)});
        }
        bench.check_truth = true;
        bench.run();
        bench.advance(10min);
        EXPECT_EQ(bench.state(), "online");
    }
    [[nodiscard]] std::size_t requests_within(std::chrono::nanoseconds time) {
        const std::size_t before = bench.controller.requests.size();
        bench.advance(time);
        return bench.controller.requests.size() - before;
    }
    LaneBench bench{make_controller(usual())};
};

TEST_F(LaneReload, TheNextOnePollsAsOftenAsTheOneBefore) {
    const std::size_t usually = requests_within(5s);
    bench.replace(make_controller(usual()));
    bench.advance(1s);  // identifies and proves anew
    EXPECT_EQ(requests_within(5s), usually);
    EXPECT_EQ(bench.controller.connects.size(), 1U);
}

TEST_F(LaneReload, ChangesAreSeenAtOnceAfterIt) {
    bench.replace(make_controller(usual()));
    bench.advance(1s);
    bench.take_messages();
    bench.controller.put(kOut, 3, {0x5a});
    bench.advance(110ms);
    EXPECT_EQ(bench.last("fb0.dob3").value, "90");
    EXPECT_EQ(bench.last("fb0.dob3").quality, 192);
}

TEST_F(LaneReload, ValuesStayKnownAndAreNotMadeYounger) {
    const Message before = bench.last("fb0.dob3");
    bench.take_messages();
    bench.controller.up = false;
    bench.controller.connect_mode = FakeController::Connect::refuse;
    bench.replace(make_controller(usual()));
    for (const Message& message : bench.take_messages()) {
        EXPECT_EQ(message.quality, 192) << message.signal;
    }
    EXPECT_EQ(bench.last("fb0.dob3").timestamp, before.timestamp);
    bench.advance(3s);
    EXPECT_EQ(bench.last("fb0.dob3").quality, 24);
    EXPECT_EQ(bench.last("fb0.dob3").value, before.value);
}

}  // namespace
}  // namespace hi6gw::poll
