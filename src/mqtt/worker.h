#pragma once
// A thread for Paho calls that may block (create, connect while a name is looked up, destroy while
// Paho's threads end): jobs run one after another, in order.

#include <chrono>
#include <functional>
#include <memory>

namespace hi6gw::mqtt {

class Worker {
  public:
    Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    // Lets what is posted finish, but not for longer than kPatience: a job that hangs keeps its
    // thread and what it refers to, and the process goes on without.
    ~Worker();
    static constexpr std::chrono::seconds kPatience{1};

    void post(std::function<void()> job);

  private:
    struct State;
    static void work(const std::shared_ptr<State>& state);
    std::shared_ptr<State> state_;
};

}  // namespace hi6gw::mqtt
