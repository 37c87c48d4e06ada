#include "poll/publisher.h"

#include "table_bench.h"

namespace hi6gw::poll {
namespace {

using namespace testing_bench;

class StateSourceTest : public testing::Test {
  protected:
    StateSource source(config::PayloadFormat format) {
        return {bench.table, {"hi6/r1/state/", "/v"}, format, [this](Steady::duration took) {
                    arrived.push_back(took);
                }};
    }
    Bench bench{{signal("fb0.dob0", [](auto& o) { o.qos = 2; }),
                 signal("fb0.dof4", [](auto& o) { o.retain = false; })}};
    std::vector<Steady::duration> arrived;  // how long after they were read
    mqtt::Publication out;
};

TEST_F(StateSourceTest, TakesTopicQosAndRetainFromTheSignal) {
    StateSource json = source(config::PayloadFormat::json);
    bench.read();
    ASSERT_TRUE(json.next(out));
    EXPECT_EQ(out.topic, "hi6/r1/state/fb0.dob0/v");
    EXPECT_EQ(out.qos, 2);
    EXPECT_TRUE(out.retain);
    EXPECT_EQ(out.payload, R"({"value":0,"timestamp":1763900000000,"quality":192})");
    ASSERT_TRUE(json.next(out));
    EXPECT_EQ(out.topic, "hi6/r1/state/fb0.dof4/v");
    EXPECT_FALSE(out.retain);
    EXPECT_EQ(out.payload, R"({"value":0.0,"timestamp":1763900000000,"quality":192})");
    EXPECT_FALSE(json.next(out));
}

TEST_F(StateSourceTest, ABareValueIsOnlySaidWhenItIsGood) {
    StateSource raw = source(config::PayloadFormat::raw);
    EXPECT_FALSE(raw.next(out)) << "not read yet";
    bench.put(0, 5);
    bench.put_real(4, std::numeric_limits<float>::quiet_NaN());
    bench.read();
    ASSERT_TRUE(raw.next(out));
    EXPECT_EQ(out.payload, "5");
    EXPECT_FALSE(raw.next(out));
}

TEST_F(StateSourceTest, OnlyGoodValuesThatArrivedAreTimed) {
    StateSource json = source(config::PayloadFormat::json);
    ASSERT_TRUE(json.next(out));
    json.settled(out.ticket, true, "");
    EXPECT_TRUE(arrived.empty()) << "not read yet";
    bench.elapsed = 30ms;
    bench.read();
    ASSERT_TRUE(json.next(out));
    json.settled(out.ticket, false, "Quota exceeded (0x97)");
    EXPECT_TRUE(arrived.empty());
    out.ticket.acknowledged = bench.moment().steady + 7ms;
    json.settled(out.ticket, true, "");
    EXPECT_EQ(arrived, (std::vector<Steady::duration>{7ms}));
    EXPECT_FALSE(out.awaited) << "a figure is all that waits for it";
}

TEST(RetainedSource, SaysTheLatestOnceAndAgainWhenAsked) {
    RetainedSource source("hi6/r1/status");
    mqtt::Publication out;
    EXPECT_FALSE(source.next(out));
    source.publish_again();
    EXPECT_FALSE(source.next(out)) << "nothing to repeat";
    source.set("a");
    source.set("b");
    ASSERT_TRUE(source.next(out));
    EXPECT_EQ(out.payload, "b");
    EXPECT_TRUE(out.retain);
    EXPECT_EQ(out.qos, 1);
    EXPECT_FALSE(source.next(out));
    source.publish_again();
    ASSERT_TRUE(source.next(out));
    EXPECT_EQ(out.payload, "b");
}

}  // namespace
}  // namespace hi6gw::poll
