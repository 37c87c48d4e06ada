#pragma once
// One command's course as a script: at this time this happens, and this is asked for. The scripts
// are in execution_post_test.cpp (until the POST is answered), execution_readback_test.cpp (what is
// read after it) and execution_pulse_test.cpp; execution_script.cpp runs them.
// clang-format off: one step a line reads better than what the tool makes of it

#include "command/execution.h"

#include "unit/command/make.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hi6gw::command {

using hi6::Outcome;
using test::at;
using test::cancel;
using test::late;
using test::reads;
using test::reply;
using test::start;
using test::timer;

struct Step {
    std::int64_t at = 0;
    Event event;
    std::string expected;  // the action; for `done` the result
    bool newer = false;
};

struct Script {
    const char* name;
    Command command;
    std::vector<Step> steps;
    std::string release;  // "due T", "due T read first", or nothing
};

inline void PrintTo(const Script& script, std::ostream* out) { *out << script.name; }

class ExecutionScript : public testing::TestWithParam<Script> {};

inline std::string name_of(const testing::TestParamInfo<Script>& info) { return info.param.name; }

// ---- commands

inline Command plain() { return test::command(); }
inline Command unverified() {
    Command out = plain();
    out.options = test::without_verification();
    return out;
}
inline Command expecting() {
    Command out = plain();
    out.expected = 0;
    return out;
}
inline Command fed_back() {
    Command out = plain();
    out.feedback = Check{test::address("fb2.di4"), 1};
    out.feedback_options = std::make_shared<domain::SignalOptions>();
    return out;
}
inline Command pulse(std::int64_t length = 200) {
    Command out = plain();
    out.pulse = milliseconds(length);
    return out;
}
inline Command dry(Command command) {
    command.dry_run = true;
    return command;
}
inline Command ttl(std::int64_t deadline, Command command = plain()) {
    command.deadline = at(deadline);
    return command;
}
inline Command real() { return test::command("fb2.dof0", 0x80000000U); }

// ---- steps that many scripts share

inline const Step kStarted{0, start(), "post fb2.do3=1 until 1000"};
inline const Step kAccepted{4, reply(Outcome::ok), "read fb2.do3 until 1004"};
inline const Step kLost{1000, reply(Outcome::lost), "read fb2.do3 until 2000"};
inline const Step kExpecting{0, start(), "read fb2.do3 until 1000"};

}  // namespace hi6gw::command
