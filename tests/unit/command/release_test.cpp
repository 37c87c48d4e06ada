#include "command/release.h"

#include "unit/command/make.h"

#include <gtest/gtest.h>

namespace hi6gw::command {
namespace {

using hi6::Outcome;
using Kind = Action::Kind;
using End = Release::End;
using test::at;
using test::cancel;
using test::reads;
using test::reply;
using test::timer;

Release release(bool read_first = false, bool verify = true) {
    return {test::address("fb2.do3"), 0, verify, ReleaseOrder{at(200), read_first}, Limits{}};
}

CommandResult edge(State state = State::verified) {
    CommandResult out;
    out.state = state;
    out.done_ms = 1000;
    return out;
}

TEST(Release, PostsWhenDueAndReadsBack) {
    Release it = release();
    it.hold(edge(), at(10));
    EXPECT_EQ(it.due(), at(200));
    Action action = it.resume(timer(), at(100));
    EXPECT_EQ(action.kind, Kind::wait);
    EXPECT_EQ(action.until, at(200));
    action = it.resume(timer(), at(200));
    EXPECT_EQ(action.kind, Kind::post);
    EXPECT_EQ(action.raw, 0U);
    EXPECT_EQ(to_string(action.address), "fb2.do3");
    EXPECT_EQ(action.until, at(1200)) << "the controller's timeout, no deadline";
    EXPECT_EQ(it.resume(reply(Outcome::ok), at(204)).kind, Kind::read);
    EXPECT_FALSE(it.take_result(at(204)));
    EXPECT_EQ(it.resume(reads(0), at(210)).kind, Kind::done);
    EXPECT_EQ(it.end(), End::released);
    const auto result = it.take_result(at(210));
    ASSERT_TRUE(result);
    EXPECT_EQ(result->state, State::verified);
    EXPECT_EQ(result->done_ms, 1200) << "when the release was done";
    EXPECT_FALSE(it.take_result(at(210)));
}

TEST(Release, BelievesTheAnswerWhereVerificationIsOff) {
    Release it = release(false, false);
    EXPECT_EQ(it.resume(timer(), at(200)).kind, Kind::post);
    EXPECT_EQ(it.resume(reply(Outcome::bad_data), at(204)).kind, Kind::done);
    EXPECT_EQ(it.end(), End::released);
}

TEST(Release, ReadsFirstWhereTheEdgeIsUncertain) {
    Release already = release(true);
    EXPECT_EQ(already.resume(timer(), at(200)).kind, Kind::read);
    EXPECT_EQ(already.resume(reads(0), at(210)).kind, Kind::done);
    EXPECT_EQ(already.end(), End::released);
    EXPECT_EQ(already.posts(), 0U);

    Release active = release(true);
    EXPECT_EQ(active.resume(timer(), at(200)).kind, Kind::read);
    EXPECT_EQ(active.resume(reads(1), at(210)).kind, Kind::post);
}

// After whatever failure: a wait, then a read, and a post only if the output is still active.
TEST(Release, ReadsBeforeItPostsAgain) {
    for (const Outcome outcome :
         {Outcome::lost, Outcome::not_sent, Outcome::server_error, Outcome::refused}) {
        Release it = release();
        EXPECT_EQ(it.resume(timer(), at(200)).kind, Kind::post);
        const Action wait = it.resume(reply(outcome), at(300));
        EXPECT_EQ(wait.kind, Kind::wait);
        EXPECT_EQ(wait.until, at(400));
        EXPECT_EQ(it.resume(timer(), at(399)).kind, Kind::wait);
        EXPECT_EQ(it.resume(timer(), at(400)).kind, Kind::read);
        EXPECT_EQ(it.resume(reads(1), at(410)).kind, Kind::post);
        EXPECT_EQ(it.resume(reply(Outcome::ok), at(420)).kind, Kind::read);
        EXPECT_EQ(it.resume(reads(0), at(430)).kind, Kind::done);
        EXPECT_EQ(it.end(), End::released);
        EXPECT_EQ(it.posts(), 2U);
    }
}

TEST(Release, GoesOnWhileTheControllerIsAway) {
    Release it = release();
    it.hold(edge(), at(10));
    Clock::time_point now = at(200);
    Action action = it.resume(timer(), now);
    EXPECT_EQ(action.kind, Kind::post);
    bool reported = false;
    for (int i = 0; i < 2000; ++i) {  // for more than an hour
        action = it.resume(reply(Outcome::not_sent), now);
        ASSERT_EQ(action.kind, Kind::wait);
        ASSERT_LE(action.until, now + Release::kSlowest);
        if (const auto result = it.take_result(now)) {
            EXPECT_FALSE(reported);
            reported = true;
            EXPECT_GE(now, at(200) + Release::kReport);
            EXPECT_EQ(result->state, State::unknown);
            EXPECT_EQ(result->reason, Reason::release);
        }
        now = action.until;
        action = it.resume(timer(), now);
        ASSERT_EQ(action.kind, Kind::read);
    }
    EXPECT_TRUE(reported) << "the result does not wait for the controller";
    EXPECT_GT(now, at(3'600'000));
    EXPECT_EQ(it.resume(reads(1), now).kind, Kind::post);
    EXPECT_EQ(it.resume(reply(Outcome::ok), now).kind, Kind::read);
    EXPECT_EQ(it.resume(reads(0), now).kind, Kind::done);
    EXPECT_EQ(it.end(), End::released);
    EXPECT_FALSE(it.take_result(now)) << "one result only";
}

TEST(Release, GivesUpWhenItsPostsAreRefused) {
    Release it = release();
    it.hold(edge(), at(10));
    static_cast<void>(it.resume(timer(), at(200)));
    Clock::time_point now = at(210);
    for (unsigned i = 1; i < Release::kRefusals; ++i) {
        const Action wait = it.resume(reply(Outcome::refused), now);
        EXPECT_EQ(wait.kind, Kind::wait);
        now = wait.until;
        EXPECT_EQ(it.resume(timer(), now).kind, Kind::read);
        EXPECT_EQ(it.resume(reads(1), now).kind, Kind::post);
    }
    EXPECT_EQ(it.resume(reply(Outcome::unauthorised), now).kind, Kind::done);
    EXPECT_EQ(it.end(), End::gave_up);
    EXPECT_EQ(it.posts(), Release::kRefusals);
    const auto result = it.take_result(now);
    EXPECT_EQ(result->state, State::mismatch);
    EXPECT_EQ(result->reason, Reason::release);
}

// As of a relay while the block read is not proven: no single read covers it.
TEST(Release, PostsUnreadWhatCannotBeRead) {
    for (const bool lost : {false, true}) {
        Release it = release(!lost);
        Clock::time_point now = at(200);
        Action action = it.resume(timer(), now);
        if (lost) {
            EXPECT_EQ(action.kind, Kind::post);
            action = it.resume(reply(Outcome::lost), now);
            now = action.until;
            action = it.resume(timer(), now);
        }
        for (unsigned i = 1; i < Release::kRefusals; ++i) {
            ASSERT_EQ(action.kind, Kind::read);
            action = it.resume(reply(Outcome::refused), now);
            ASSERT_EQ(action.kind, Kind::wait);
            now = action.until;
            action = it.resume(timer(), now);
        }
        ASSERT_EQ(action.kind, Kind::read);
        EXPECT_EQ(it.resume(reply(Outcome::refused), now).kind, Kind::post);
        EXPECT_EQ(it.resume(reply(Outcome::ok), now).kind, Kind::read);
        EXPECT_EQ(it.resume(reply(Outcome::refused), now).kind, Kind::done);
        EXPECT_EQ(it.end(), End::released);
        EXPECT_LT(now, at(1500)) << "also at a shutdown";
    }
}

TEST(Release, GivesUpOnAControllerThatRefusesEverything) {
    Release it = release(true);
    Clock::time_point now = at(200);
    Action action = it.resume(timer(), now);
    while (it.end() == End::open && now < at(60'000)) {
        action = it.resume(action.kind == Kind::wait ? timer() : reply(Outcome::unauthorised), now);
        now = action.kind == Kind::wait ? action.until : now;
    }
    EXPECT_EQ(it.end(), End::gave_up);
    EXPECT_EQ(it.posts(), Release::kRefusals);
}

TEST(Release, DoesNotFightTheRobotsProgram) {
    Release it = release();
    Action action = it.resume(timer(), at(200));
    Clock::time_point now = at(200);
    while (it.end() == End::open && now < at(60'000)) {
        now += milliseconds(5);
        switch (action.kind) {
            case Kind::post:
                action = it.resume(reply(Outcome::ok), now);
                break;
            case Kind::read:
                action = it.resume(reads(1), now);  // active, whatever is written
                break;
            case Kind::wait:
                now = action.until;
                action = it.resume(timer(), now);
                break;
            case Kind::done:
                break;
        }
    }
    EXPECT_EQ(it.end(), End::gave_up);
    EXPECT_EQ(it.posts(), Release::kOverwrites);
}

TEST(Release, LooksUntilItHolds) {
    Release it = release();
    static_cast<void>(it.resume(timer(), at(200)));
    static_cast<void>(it.resume(reply(Outcome::ok), at(204)));
    const Action wait = it.resume(reads(1), at(210));
    EXPECT_EQ(wait.kind, Kind::wait);
    EXPECT_EQ(wait.until, at(230));
    EXPECT_EQ(it.resume(timer(), at(230)).kind, Kind::read);
    EXPECT_EQ(it.resume(reads(0), at(235)).kind, Kind::done);
    EXPECT_EQ(it.posts(), 1U);
}

TEST(Release, HurriesAtShutdown) {
    Release it = release();
    it.release_now(at(50));
    EXPECT_EQ(it.due(), at(50));
    EXPECT_EQ(it.resume(timer(), at(50)).kind, Kind::post);
    it.release_now(at(40));
    EXPECT_EQ(it.resume(reply(Outcome::ok), at(54)).kind, Kind::read);
}

TEST(Release, ReportsWhatItHoldsWhenCutOff) {
    for (int state = 0; state < 4; ++state) {
        Release it = release();
        it.hold(edge(), at(10));
        if (state > 0) {
            static_cast<void>(it.resume(timer(), at(200)));
        }
        if (state > 1) {
            static_cast<void>(it.resume(reply(Outcome::ok), at(204)));
        }
        if (state > 2) {
            static_cast<void>(it.resume(reads(1), at(210)));
        }
        EXPECT_EQ(it.resume(cancel(), at(220)).kind, Kind::done);
        EXPECT_EQ(it.end(), End::cut_off) << "so the journal keeps it";
        const auto result = it.take_result(at(220));
        ASSERT_TRUE(result) << state;
        EXPECT_EQ(result->state, State::unknown);
        EXPECT_EQ(result->reason, Reason::release);
        EXPECT_FALSE(it.take_result(at(220)));
    }
}

TEST(Release, LeavesABadEdgesResultAsItIs) {
    for (const State state : {State::mismatch, State::unknown, State::failed}) {
        Release it = release();
        it.hold(edge(state), at(10));
        static_cast<void>(it.resume(cancel(), at(20)));
        EXPECT_EQ(it.take_result(at(20))->state, state);
    }
}

TEST(Release, TakesAResultThatComesAfterIt) {
    Release it = release(false, false);
    static_cast<void>(it.resume(timer(), at(200)));
    static_cast<void>(it.resume(reply(Outcome::ok), at(204)));
    EXPECT_FALSE(it.take_result(at(204)));
    it.hold(edge(), at(900));  // its feedback took longer
    const auto result = it.take_result(at(900));
    ASSERT_TRUE(result);
    EXPECT_EQ(result->state, State::verified);
    EXPECT_EQ(result->done_ms, 1000);
}

}  // namespace
}  // namespace hi6gw::command
