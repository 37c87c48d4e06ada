#pragma once
// From another thread (Paho's, a Worker) to the event loop. Any thread puts; the loop gets
// everything that has come since in one batch, by one asio::post, however much it is: thousands of
// acknowledgements a second are not thousands of wake-ups. What nobody waits for need not wake the
// loop at all. After close() nothing is delivered, whoever still puts.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace hi6gw {

// Batch: default constructible, with clear() that keeps capacity.
template <class Batch>
class Mailbox : public std::enable_shared_from_this<Mailbox<Batch>> {
  public:
    using Take = std::function<void(Batch& batch)>;

    Mailbox(boost::asio::any_io_executor executor, Take take)
        : executor_(std::move(executor)), take_(std::move(take)) {}

    // Any thread. `change` adds to the batch; it is called under the lock, so it must be short.
    template <class Change>
    void put(Change&& change) noexcept {
        const std::lock_guard lock(mutex_);
        if (closed_) {
            return;
        }
        std::forward<Change>(change)(batch_);
        post();
    }
    // The same for what can wait: for the next put() or collect(), whichever comes first.
    template <class Change>
    void put_unhurried(Change&& change) noexcept {
        const std::lock_guard lock(mutex_);
        if (closed_) {
            return;
        }
        std::forward<Change>(change)(batch_);
        if (hurried_) {
            post();
        }
    }

    // All below: the loop's thread.
    // Takes what is there at once, from within this call. Not from within `take`.
    void collect() { deliver(); }
    // From now on nothing can wait, nor can what waits already.
    void hurry() {
        const std::lock_guard lock(mutex_);
        hurried_ = true;
        if (!closed_) {
            post();
        }
    }
    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }

  private:
    // Under the lock, so that nothing is posted to a loop that may be gone after close().
    void post() {
        if (!posted_) {
            posted_ = true;
            boost::asio::post(executor_, [self = this->shared_from_this()] { self->posted(); });
        }
    }
    void posted() {
        {
            const std::lock_guard lock(mutex_);
            posted_ = false;
        }
        deliver();
    }
    void deliver() {
        {
            const std::lock_guard lock(mutex_);
            if (closed_) {
                return;
            }
            std::swap(batch_, taken_);
        }
        take_(taken_);
        taken_.clear();
    }

    boost::asio::any_io_executor executor_;
    Take take_;
    std::mutex mutex_;
    Batch batch_;
    Batch taken_;  // the loop's alone
    bool posted_ = false;
    bool hurried_ = false;
    bool closed_ = false;
};

}  // namespace hi6gw
