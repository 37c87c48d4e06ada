// The pure parts of the session.

#include "mqtt/awake.h"
#include "mqtt/inbound_queue.h"
#include "mqtt/reason.h"
#include "mqtt/send_thread.h"
#include "mqtt/version_choice.h"
#include "mqtt/window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <pthread.h>
#include <sched.h>

#include <barrier>
#include <thread>
#include <vector>

namespace hi6gw::mqtt {
namespace {

using Answer = ConnectAnswer;
using Then = VersionChoice::Then;
using Clock = VersionChoice::Clock;

struct Named {
    const char* name;
    int before;
    int after;
};

class SendThread : public testing::TestWithParam<Named> {};

TEST_P(SendThread, IsFoundByItsNameAndLeftAloneIfItIsNoOrdinaryOne) {
    std::barrier met(2);
    int policy = -1;
    std::thread thread([&] {
        ::pthread_setname_np(::pthread_self(), GetParam().name);
        const sched_param no_priority{};
        ::sched_setscheduler(0, GetParam().before, &no_priority);
        met.arrive_and_wait();
        met.arrive_and_wait();
        policy = ::sched_getscheduler(0);
    });
    met.arrive_and_wait();
    EXPECT_EQ(let_send_thread_wait(), GetParam().before == GetParam().after ? 0 : 1);
    met.arrive_and_wait();
    thread.join();
    EXPECT_EQ(policy, GetParam().after);
    EXPECT_EQ(::sched_getscheduler(0), SCHED_OTHER);
}

INSTANTIATE_TEST_SUITE_P(Threads, SendThread,
                         testing::Values(Named{"MQTTAsync_send", SCHED_OTHER, SCHED_BATCH},
                                         Named{"MQTTAsync_send", SCHED_IDLE, SCHED_IDLE},
                                         Named{"MQTTAsync_rcv", SCHED_OTHER, SCHED_OTHER},
                                         Named{"MQTTAsync_sen", SCHED_OTHER, SCHED_OTHER}));

TEST(Awake, AsksOneQuestionAtATime) {
    const Awake::TimePoint start{};
    const Awake::TimePoint never = Awake::TimePoint::max();
    Awake awake;
    EXPECT_EQ(awake.due(), never);
    awake.connected(start);
    EXPECT_EQ(awake.due(), start + Awake::kPause);
    awake.asked(start + Awake::kPause);
    EXPECT_EQ(awake.due(), never);
    awake.answered();
    EXPECT_EQ(awake.due(), start + 2 * Awake::kPause);
    awake.lost();
    EXPECT_EQ(awake.due(), never);
}

TEST(Awake, LeavesABrokerAloneThatHangsUpOnTheFirstQuestionTwice) {
    const Awake::TimePoint now{};
    Awake awake;
    const auto hangs_up = [&](bool after_an_answer) {
        awake.connected(now);
        awake.asked(now);
        if (after_an_answer) {
            awake.answered();
            awake.asked(now);
        }
        awake.lost();
        awake.connected(now);
        return awake.due() == Awake::TimePoint::max();
    };
    EXPECT_FALSE(hangs_up(false));
    EXPECT_FALSE(hangs_up(true));  // so it was not the question
    EXPECT_FALSE(hangs_up(false));
    EXPECT_TRUE(hangs_up(false));
}

TEST(VersionChoice, GoesThroughTheAnswersOfABroker) {
    struct Step {
        int version;
        Answer answer;
        Then then;
    };
    struct Row {
        const char* what;
        std::vector<Step> steps;
        int in_the_end;
    };
    const std::vector<Row> rows{
        {"speaks 5", {{5, Answer::accepted, Then::go_on}}, 5},
        {"is away", {{5, Answer::other, Then::go_on}, {5, Answer::other, Then::go_on}}, 5},
        {"says it has no 5", {{5, Answer::unsupported_version, Then::at_once}}, 3},
        {"closes 5, takes 3.1.1",
         {{5, Answer::closed, Then::go_on},
          {3, Answer::accepted, Then::at_once},
          {5, Answer::closed, Then::at_once},
          {3, Answer::accepted, Then::go_on}},
         3},
        {"was going down",
         {{5, Answer::closed, Then::go_on},
          {3, Answer::accepted, Then::at_once},
          {5, Answer::accepted, Then::go_on}},
         5},
        {"closes everything",
         {{5, Answer::closed, Then::go_on},
          {3, Answer::closed, Then::go_on},
          {5, Answer::closed, Then::go_on}},
         3},
        {"goes away in the counter-test",
         {{5, Answer::closed, Then::go_on},
          {3, Answer::accepted, Then::at_once},
          {5, Answer::other, Then::go_on}},
         5},
        {"refuses 3.1.1 later",
         {{5, Answer::unsupported_version, Then::at_once},
          {3, Answer::other, Then::go_on},
          {3, Answer::unsupported_version, Then::go_on}},
         5},
    };
    const Clock::time_point now{};
    for (const Row& row : rows) {
        VersionChoice choice(5);
        for (const Step& step : row.steps) {
            EXPECT_EQ(choice.next(now), step.version) << row.what;
            EXPECT_EQ(choice.answered(step.answer, now), step.then) << row.what;
        }
        EXPECT_EQ(choice.next(now), row.in_the_end) << row.what;
    }
}

TEST(VersionChoice, TriesFiveAgainAfterAnHour) {
    const Clock::time_point start{};
    VersionChoice choice(5);
    (void)choice.next(start);
    (void)choice.answered(Answer::unsupported_version, start);
    EXPECT_EQ(choice.next(start + VersionChoice::kKeep - std::chrono::seconds(1)), 3);
    EXPECT_EQ(choice.next(start + VersionChoice::kKeep), 5);
}

TEST(VersionChoice, KeepsToThreeWhenToldSo) {
    VersionChoice choice(3);
    for (const Answer answer :
         {Answer::unsupported_version, Answer::closed, Answer::other, Answer::accepted}) {
        EXPECT_EQ(choice.next(Clock::time_point::max()), 3);
        EXPECT_EQ(choice.answered(answer, {}), Then::go_on);
    }
}

class NamedSource final : public Source {
  public:
    explicit NamedSource(std::string name, int left) : name_(std::move(name)), left_(left) {}
    bool next(Publication& out) override {
        if (left_ == 0) {
            return false;
        }
        --left_;
        out.topic = name_;
        return true;
    }
    void settled(const Ticket& ticket, bool arrived, const std::string& why) override {
        said.push_back(std::to_string(ticket.id) + (arrived ? " arrived" : " not") + why);
    }
    std::vector<std::string> said;

  private:
    std::string name_;
    int left_;
};

TEST(SourceRing, ServesByPriorityAndInTurn) {
    NamedSource event("event", 1);
    NamedSource first("first", 3);
    NamedSource second("second", 2);
    NamedSource control("control", 1);
    SourceRing ring;
    ring.add(event, Priority::event);
    ring.add(first, Priority::state);
    ring.add(second, Priority::state);
    ring.add(control, Priority::control);
    std::vector<std::string> order;
    Publication out;
    out.retain = true;
    out.correlation = "of the last one";
    out.awaited = false;
    while (ring.next(out) != nullptr) {
        order.push_back(out.topic);
        EXPECT_TRUE(out.awaited);
        EXPECT_FALSE(out.retain);
        EXPECT_TRUE(out.correlation.empty());
    }
    EXPECT_THAT(order, ::testing::ElementsAre("control", "first", "second", "first", "second",
                                              "first", "event"));
}

TEST(SourceRing, DoesNotAskARemovedSource) {
    NamedSource one("one", 5);
    NamedSource two("two", 1);
    SourceRing ring;
    ring.add(one, Priority::state);
    ring.add(two, Priority::state);
    Publication out;
    EXPECT_EQ(ring.next(out), &one);
    ring.remove(one);
    EXPECT_EQ(ring.next(out), &two);
    EXPECT_EQ(ring.next(out), nullptr);
    ring.remove(two);
    EXPECT_EQ(ring.next(out), nullptr);
}

TEST(InFlight, SettlesEachMessageOnce) {
    NamedSource source("x", 0);
    NamedSource gone("y", 0);
    InFlight flight(3);
    const std::uint32_t a = flight.take(source, Ticket{.id = 1, .stamp = {}});
    const std::uint32_t b = flight.take(gone, Ticket{.id = 2, .stamp = {}});
    const std::uint32_t c = flight.take(source, Ticket{.id = 3, .stamp = {}});
    EXPECT_EQ(flight.count(), 3U);
    flight.settle(a, true, "");
    flight.settle(a, true, "");
    flight.settle(99, true, "");
    EXPECT_EQ(flight.count(), 2U);
    flight.forget(gone);
    flight.settle(c, false, ": no");
    flight.settle_all_as_lost();
    EXPECT_EQ(flight.count(), 0U);
    flight.settle(b, true, "");
    EXPECT_THAT(source.said, ::testing::ElementsAre("1 arrived", "3 not: no"));
    EXPECT_TRUE(gone.said.empty());
}

Inbound inbound(const std::string& topic, std::size_t payload) {
    Inbound message;
    message.topic = topic;
    message.payload.assign(payload, 'x');
    return message;
}

TEST(InboundQueue, IsBoundedInMessagesAndInBytes) {
    InboundQueue queue;
    for (std::size_t i = 0; i < InboundQueue::kMostMessages + 3; ++i) {
        queue.push(inbound(std::to_string(i), 1));
    }
    EXPECT_EQ(queue.dropped(), 3U);
    EXPECT_EQ(queue.pop()->topic, "0");
    queue.clear();
    const std::size_t half = InboundQueue::kMostBytes / 2 - 1;
    for (const char* topic : {"a", "b", "c"}) {
        queue.push(inbound(topic, half));
    }
    EXPECT_EQ(queue.dropped(), 1U);
    EXPECT_EQ(queue.pop()->topic, "a");
    queue.push(inbound("d", half));
    EXPECT_EQ(queue.dropped(), 1U) << "what was taken out makes room";
}

TEST(InboundQueue, TakesOverWhatAnotherHolds) {
    InboundQueue first;
    InboundQueue second;
    second.push(inbound("1", 10));
    second.push(inbound("2", 10));
    first.append(second);
    EXPECT_TRUE(second.empty());
    second.push(inbound("3", InboundQueue::kMostBytes));
    second.push(inbound("4", 10));
    first.append(second);
    EXPECT_EQ(second.dropped(), 0U);
    EXPECT_EQ(first.dropped(), 1U);
    for (const char* topic : {"1", "2", "4"}) {
        EXPECT_EQ(first.pop()->topic, topic);
    }
    EXPECT_FALSE(first.pop());
}

TEST(Reason, Table) {
    EXPECT_EQ(reason_name(0x97), "Quota exceeded (0x97)");
    EXPECT_EQ(reason_name(0xFE), "unknown reason (0xFE)");
    EXPECT_EQ(connack_name(2), "identifier rejected (0x02)");
    EXPECT_EQ(connack_name(0x8A), "Banned (0x8A)");
    for (int code = 0; code < 256; ++code) {
        EXPECT_EQ(refuses_version(code), code == 1 || code == 0x84) << code;
        const bool passes = code == 3 || code == 0x88 || code == 0x89 || code == 0x8B;
        EXPECT_EQ(is_refusal(code), code > 0 && !passes) << code;
    }
}

}  // namespace
}  // namespace hi6gw::mqtt
