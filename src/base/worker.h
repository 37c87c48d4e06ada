#pragma once
// A thread for calls that may block (Paho's connect while a name is looked up, the disk), from the
// first job on: jobs run one after another, in order. The queue has no bound of its own: who posts
// keeps to one.

#include <chrono>
#include <functional>
#include <memory>

namespace hi6gw {

class Worker {
  public:
    static constexpr std::chrono::milliseconds kPatience{1000};

    // `patience`: of the destructor.
    explicit Worker(std::chrono::milliseconds patience = kPatience);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    // Lets what is posted finish, but not for longer than the patience: a job that hangs keeps its
    // thread and what it refers to, and the process goes on without.
    ~Worker();

    void post(std::function<void()> job);  // must not throw when it runs

  private:
    struct State;
    static void work(const std::shared_ptr<State>& state);
    std::shared_ptr<State> state_;
    std::chrono::milliseconds patience_;
};

}  // namespace hi6gw
