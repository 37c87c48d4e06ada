#pragma once
// A cell whose every change is known, and the account that a consumer keeps of its events.

#include "support/proxy.h"
#include "system/judged.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace hi6gw::test {

// What a subscriber to hi6/r1/event/# concludes from the messages, by the rules of README.md.
struct Account {
    std::uint64_t messages = 0;
    std::uint64_t events = 0;    // each once
    std::uint64_t repeated = 0;  // the same seq again, the same payload
    std::uint64_t gaps = 0;      // gap records
    std::uint64_t missing = 0;   // events that gap records say are lost
    std::uint64_t holes = 0;     // a seq came before an earlier one: loss or disorder
    std::uint64_t clashes = 0;   // the same seq again with another payload
    std::uint64_t last = 0;      // highest seq
    std::string first_fault;
    std::map<std::string, std::uint64_t> reasons;  // of the gaps
    // Good values by signal, in order; the same twice in a row once.
    std::map<std::string, std::vector<int>> values;
    std::map<std::string, std::uint64_t> qualities;
};
[[nodiscard]] Account account_of(const std::vector<Received>& messages);
std::ostream& operator<<(std::ostream& out, const Account& account);

// hi6sim with `signals` words, all of which are set to the number of the step at once, so that a
// sweep of the gateway sees `signals` changes.
class Cell {
  public:
    explicit Cell(int signals = 16);  // 40 at most

    [[nodiscard]] std::string signals() const;                 // for the configuration
    [[nodiscard]] std::vector<WatchedSignal> watched() const;  // the same, for the judge
    [[nodiscard]] const Simulator& simulator() const { return simulator_; }
    // The next number. `seen`: returns when the gateway has read it, 5 s at most.
    void step(bool seen);
    [[nodiscard]] int steps() const { return steps_; }
    // When the gateway's first read of each step's number was there, in us since the epoch; 0:
    // never, because the next one came before. By step.
    [[nodiscard]] std::vector<std::int64_t> first_reads() const;

  private:
    Simulator simulator_;
    int signals_;
    int steps_ = 0;
    std::vector<std::int64_t> set_us_{0};  // by step
};

[[nodiscard]] int number_from(const char* variable, int otherwise);
[[nodiscard]] std::int64_t now_us();

}  // namespace hi6gw::test
