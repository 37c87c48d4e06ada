#pragma once
// A simulated controller in a thread of its own, for tests that talk to it over loopback. What it
// saw and holds is asked on its own thread.

#include "sim/simulator.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>

namespace hi6gw::test {

class SimThread {
  public:
    explicit SimThread(sim::Options options = {})
        : io_(1), simulator_(io_, fast(std::move(options))), thread_([this] { io_.run(); }) {}
    SimThread(const SimThread&) = delete;
    SimThread& operator=(const SimThread&) = delete;
    ~SimThread() {
        boost::asio::post(io_, [this] { simulator_.stop(); });
        thread_.join();
    }

    [[nodiscard]] std::uint16_t port() const { return simulator_.port(); }
    [[nodiscard]] std::uint16_t control_port() const { return simulator_.control_port(); }

    // What `question` says of the simulator, asked on its thread.
    template <class Question>
    auto ask(Question question) {
        std::promise<decltype(question(simulator_))> answer;
        boost::asio::post(io_, [&] { answer.set_value(question(simulator_)); });
        return answer.get_future().get();
    }
    std::uint32_t bits(const std::string& relay) {
        return ask([&](auto& sim) {
            return sim.memory().bits(sim.memory().place(relay, sim::IndexUnit::byte).value());
        });
    }
    sim::Stats stats() {
        return ask([](auto& sim) { return sim.log().stats(); });
    }
    // Asks until it is true; false after 5 s.
    bool eventually(const std::function<bool(sim::Simulator&)>& question) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        while (!ask([&](auto& sim) { return question(sim); })) {
            if (std::chrono::steady_clock::now() > deadline) {
                return false;
            }
            std::this_thread::yield();
        }
        return true;
    }

  private:
    // No service time unless the test chose one: the default is for people.
    static sim::Options fast(sim::Options options) {
        const sim::Options defaults;
        if (options.get_time == defaults.get_time && options.post_time == defaults.post_time) {
            options.get_time = options.post_time = std::chrono::nanoseconds(0);
        }
        return options;
    }

    boost::asio::io_context io_;
    sim::Simulator simulator_;
    std::thread thread_;
};

}  // namespace hi6gw::test
