#include "base/worker.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace hi6gw {

struct Worker::State {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::function<void()>> jobs;
    bool quit = false;
    bool done = false;
    std::thread thread;
};

Worker::Worker(std::chrono::milliseconds patience)
    : state_(std::make_shared<State>()), patience_(patience) {}

Worker::~Worker() {
    std::unique_lock lock(state_->mutex);
    if (!state_->thread.joinable()) {
        return;
    }
    state_->quit = true;
    state_->changed.notify_all();
    const bool done = state_->changed.wait_for(lock, patience_, [this] { return state_->done; });
    lock.unlock();
    if (done) {
        state_->thread.join();
    } else {
        state_->thread.detach();
    }
}

void Worker::post(std::function<void()> job) {
    const std::lock_guard lock(state_->mutex);
    state_->jobs.push_back(std::move(job));
    if (!state_->thread.joinable()) {
        state_->thread = std::thread([state = state_] { work(state); });
    }
    state_->changed.notify_all();
}

void Worker::work(const std::shared_ptr<State>& state) {
    std::unique_lock lock(state->mutex);
    for (;;) {
        state->changed.wait(lock, [&state] { return state->quit || !state->jobs.empty(); });
        if (state->jobs.empty()) {
            break;
        }
        std::function<void()> job = std::move(state->jobs.front());
        state->jobs.pop_front();
        lock.unlock();
        job();
        job = nullptr;  // what it held goes before the lock is taken again
        lock.lock();
    }
    state->done = true;
    state->changed.notify_all();
}

}  // namespace hi6gw
