#pragma once
// A child process that cannot outlive its test: killed by the destructor, and by the kernel should
// the test itself die. Its stdout and stderr are read as they come, by a thread.

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace hi6gw::test {

struct ProcessOptions {
    std::vector<std::string> argv;  // argv[0] is looked up in PATH
    std::vector<std::pair<std::string, std::string>>
        env;                // on top of the test's own; an empty value removes the variable
    std::string directory;  // working directory; empty: the test's own
    // Called for each whole line of stdout, on the reading thread.
    std::function<void(std::string_view line)> on_line;
};

class Process {
  public:
    explicit Process(ProcessOptions options);
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process();

    [[nodiscard]] pid_t pid() const { return pid_; }
    void signal(int number) const;
    // Exit code, or 128 + signal as a shell would say; nothing if it still runs after `limit`.
    [[nodiscard]] std::optional<int> wait(std::chrono::milliseconds limit);
    [[nodiscard]] bool running();
    // From here on to its end nobody reads what the process writes, and its pipes hold no more than
    // a page: a log daemon that hangs.
    void stop_reading();

    // Everything written so far.
    [[nodiscard]] std::string out() const;
    [[nodiscard]] std::string err() const;
    // Waits until stdout or stderr contains `text`; false after `limit`, or when the process has
    // closed both without saying it.
    [[nodiscard]] bool wait_for_output(std::string_view text,
                                       std::chrono::milliseconds limit) const;

  private:
    void read_all(int out_fd, int err_fd);
    void read_on();
    [[nodiscard]] bool paused() const;
    void took(std::string& whole, std::string_view piece);
    void lines(std::string_view piece);

    std::function<void(std::string_view)> on_line_;
    std::string partial_line_;  // the reading thread's alone
    int err_fd_ = -1;
    int wake_ = -1;  // the reading thread is to look at paused_
    pid_t pid_ = -1;
    int pid_fd_ = -1;
    std::optional<int> status_;

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::string out_;
    std::string err_;
    bool closed_ = false;
    bool paused_ = false;
    std::thread reader_;
};

// Runs to the end; kills it and returns 137 when that takes longer than `limit`.
struct Finished {
    int status = 0;
    std::string out;
    std::string err;
};
Finished run(std::vector<std::string> argv,
             std::chrono::milliseconds limit = std::chrono::seconds(20));

}  // namespace hi6gw::test
