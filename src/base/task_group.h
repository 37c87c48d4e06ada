#pragma once
// An owner for coroutines that run beside each other: nothing is detached, nothing outlives join().
// The first task that throws cancels the others, and join() throws its exception after all have
// ended. Cancelling join() cancels the tasks and waits for them; it then throws operation_aborted.
// Thread: the event loop's, which must be the only one that runs `executor`.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <exception>
#include <list>
#include <tuple>
#include <utility>

namespace hi6gw {

class TaskGroup {
  public:
    explicit TaskGroup(boost::asio::any_io_executor executor)
        : executor_(std::move(executor)), ended_(executor_) {}
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;
    // Outlives its tasks: join() has returned, or the loop will not run again.
    ~TaskGroup() = default;

    // Starts `task` at the loop's next turn. Tasks may spawn further ones until they are cancelled.
    void spawn(boost::asio::awaitable<void> task) {
        namespace asio = boost::asio;
        tasks_.remove_if([](const Task& each) { return each.done; });
        Task& entry = tasks_.emplace_back();
        ++running_;
        asio::co_spawn(executor_, std::move(task),
                       asio::bind_cancellation_slot(
                           entry.signal.slot(), [this, &entry](const std::exception_ptr& failure) {
                               finished(entry, failure);
                           }));
        if (cancelled_) {
            entry.signal.emit(asio::cancellation_type::all);
        }
    }

    // Asks every task to end, those spawned later included.
    void cancel() {
        cancelled_ = true;
        for (Task& task : tasks_) {
            if (!task.done) {
                task.signal.emit(boost::asio::cancellation_type::all);
            }
        }
    }

    // Tasks that have not ended yet.
    [[nodiscard]] std::size_t running() const { return running_; }

    // Returns when no task is left. One caller at a time.
    boost::asio::awaitable<void> join() {
        namespace asio = boost::asio;
        // From here on a cancellation of ours is passed on to the tasks instead of thrown.
        const bool throws = co_await asio::this_coro::throw_if_cancelled();
        co_await asio::this_coro::throw_if_cancelled(false);
        bool aborted = false;
        while (running_ > 0) {
            ended_.expires_at(asio::steady_timer::time_point::max());
            std::ignore = co_await ended_.async_wait(asio::as_tuple(asio::use_awaitable));
            const auto state = co_await asio::this_coro::cancellation_state;
            if (!aborted && state.cancelled() != asio::cancellation_type::none) {
                aborted = true;
                cancel();
            }
        }
        co_await asio::this_coro::throw_if_cancelled(throws);
        if (failure_) {
            std::rethrow_exception(std::exchange(failure_, nullptr));
        }
        if (aborted) {
            throw boost::system::system_error(asio::error::operation_aborted);
        }
    }

  private:
    struct Task {
        boost::asio::cancellation_signal signal;
        bool done = false;
    };

    void finished(Task& task, const std::exception_ptr& failure) {
        task.done = true;
        --running_;
        if (failure && !failure_ && !cancelled_) {  // once cancelled, operation_aborted is expected
            failure_ = failure;
            cancel();
        }
        ended_.cancel();
    }

    boost::asio::any_io_executor executor_;
    boost::asio::steady_timer ended_;
    // An ended task is erased at the next spawn(), not by its own completion: the coroutine's frame
    // still refers to the signal then.
    std::list<Task> tasks_;
    std::size_t running_ = 0;
    std::exception_ptr failure_;
    bool cancelled_ = false;
};

}  // namespace hi6gw
