#include "base/log_queue.h"

#include <spdlog/details/log_msg_buffer.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace hi6gw::log {

struct LogQueue::State {
    State(spdlog::sink_ptr sink, std::size_t most, LostLine line)
        : to(std::move(sink)), capacity(most), lost_line(std::move(line)) {}

    const spdlog::sink_ptr to;  // the thread's alone, once it runs
    const std::size_t capacity;
    const LostLine lost_line;

    std::mutex mutex;
    std::condition_variable changed;
    std::deque<spdlog::details::log_msg_buffer> lines;
    std::uint64_t dropped = 0;
    bool quit = false;
    bool done = false;
    std::thread thread;
};

LogQueue::LogQueue(spdlog::sink_ptr to, std::size_t capacity, LostLine lost_line)
    : state_(std::make_shared<State>(std::move(to), capacity, std::move(lost_line))) {
    state_->thread = std::thread([state = state_] { write(state); });
}

LogQueue::~LogQueue() {
    close(std::chrono::milliseconds(0));
}

void LogQueue::log(const spdlog::details::log_msg& message) {
    const std::lock_guard lock(state_->mutex);
    if (state_->quit) {
        ++state_->dropped;
        return;
    }
    if (state_->lines.size() == state_->capacity) {
        state_->lines.pop_front();
        ++state_->dropped;
    }
    state_->lines.emplace_back(message);
    state_->changed.notify_one();
}

void LogQueue::set_pattern(const std::string& pattern) {
    state_->to->set_pattern(pattern);
}

void LogQueue::set_formatter(std::unique_ptr<spdlog::formatter> formatter) {
    state_->to->set_formatter(std::move(formatter));
}

std::uint64_t LogQueue::dropped() const {
    const std::lock_guard lock(state_->mutex);
    return state_->dropped;
}

void LogQueue::close(std::chrono::milliseconds patience) {
    std::unique_lock lock(state_->mutex);
    state_->quit = true;
    state_->changed.notify_all();
    if (!state_->thread.joinable()) {
        return;
    }
    const bool done = state_->changed.wait_for(lock, patience, [this] { return state_->done; });
    lock.unlock();
    if (done) {
        state_->thread.join();
    } else {
        state_->thread.detach();
    }
}

void LogQueue::write(const std::shared_ptr<State>& state) {
    std::uint64_t told = 0;
    std::unique_lock lock(state->mutex);
    for (;;) {
        state->changed.wait(lock, [&state] { return state->quit || !state->lines.empty(); });
        if (state->lines.empty()) {
            break;
        }
        const spdlog::details::log_msg_buffer line = std::move(state->lines.front());
        state->lines.pop_front();
        const std::uint64_t lost = state->dropped - std::exchange(told, state->dropped);
        const bool last = state->lines.empty();
        lock.unlock();
        if (lost > 0) {
            const std::string text = state->lost_line(lost);
            state->to->log({line.logger_name, spdlog::level::warn, text});
        }
        state->to->log(line);
        if (last) {
            state->to->flush();
        }
        lock.lock();
    }
    state->done = true;
    state->changed.notify_all();
}

}  // namespace hi6gw::log
