#include "support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <span>
#include <stdexcept>

namespace hi6gw::test {
namespace {

struct Pipe {
    int read = -1;
    int write = -1;
};

Pipe make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw std::runtime_error("no pipe");
    }
    return {ends[0], ends[1]};
}

// After fork() in a process with threads only async-signal-safe calls are allowed, so all memory is
// made ready before it.
struct Prepared {
    explicit Prepared(const ProcessOptions& options) : text(options.argv) {
        for (std::string& word : text) {
            argv.push_back(word.data());
        }
        argv.push_back(nullptr);
        for (char** entry = environ; *entry != nullptr; ++entry) {
            const std::string_view line(*entry);
            const auto same = [&line](const auto& own) {
                return line.substr(0, line.find('=')) == own.first;
            };
            if (std::none_of(options.env.begin(), options.env.end(), same)) {
                settings.emplace_back(line);
            }
        }
        for (const auto& [name, value] : options.env) {
            if (!value.empty()) {
                settings.push_back(name + '=' + value);
            }
        }
        for (std::string& setting : settings) {
            env.push_back(setting.data());
        }
        env.push_back(nullptr);
    }
    std::vector<std::string> text;
    std::vector<std::string> settings;
    std::vector<char*> argv;
    std::vector<char*> env;
};

[[noreturn]] void become(const Prepared& prepared, const std::string& directory, int out, int err,
                         pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent || (!directory.empty() && ::chdir(directory.c_str()) != 0)) {
        ::_exit(126);
    }
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    ::execvpe(prepared.argv[0], prepared.argv.data(), prepared.env.data());
    ::_exit(127);
}

}  // namespace

Process::Process(ProcessOptions options) : on_line_(std::move(options.on_line)) {
    const Prepared prepared(options);
    const Pipe out = make_pipe();
    const Pipe err = make_pipe();
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
        become(prepared, options.directory, out.write, err.write, parent);
    }
    ::close(out.write);
    ::close(err.write);
    if (pid_ < 0) {
        ::close(out.read);
        ::close(err.read);
        throw std::runtime_error("fork failed");
    }
    pid_fd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    err_fd_ = err.read;
    wake_ = ::eventfd(0, EFD_CLOEXEC);
    reader_ = std::thread(&Process::read_all, this, out.read, err.read);
}

Process::~Process() {
    if (!status_) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    read_on();
    reader_.join();
    ::close(pid_fd_);
    ::close(wake_);
}

void Process::stop_reading() {
    {
        const std::lock_guard lock(mutex_);
        paused_ = true;
        constexpr int kPage = 4096;
        ::fcntl(err_fd_, F_SETPIPE_SZ, kPage);
    }
    ::eventfd_write(wake_, 1);
}

void Process::read_on() {
    {
        const std::lock_guard lock(mutex_);
        paused_ = false;
    }
    ::eventfd_write(wake_, 1);
}

bool Process::paused() const {
    const std::lock_guard lock(mutex_);
    return paused_;
}

void Process::signal(int number) const {
    if (!status_) {
        ::kill(pid_, number);
    }
}

std::optional<int> Process::wait(std::chrono::milliseconds limit) {
    if (!status_) {
        pollfd ended{.fd = pid_fd_, .events = POLLIN, .revents = 0};
        if (::poll(&ended, 1, static_cast<int>(limit.count())) == 1) {
            int status = 0;
            ::waitpid(pid_, &status, 0);
            status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            read_on();
            // What it wrote last is complete when its pipes are closed (a grandchild may hold
            // them).
            std::unique_lock lock(mutex_);
            changed_.wait_for(lock, std::chrono::seconds(1), [this] { return closed_; });
        }
    }
    return status_;
}

bool Process::running() {
    return !wait(std::chrono::milliseconds(0));
}

std::string Process::out() const {
    const std::lock_guard lock(mutex_);
    return out_;
}

std::string Process::err() const {
    const std::lock_guard lock(mutex_);
    return err_;
}

bool Process::wait_for_output(std::string_view text, std::chrono::milliseconds limit) const {
    std::unique_lock lock(mutex_);
    const auto said = [this, text] {
        return out_.find(text) != std::string::npos || err_.find(text) != std::string::npos;
    };
    changed_.wait_for(lock, limit, [this, &said] { return closed_ || said(); });
    return said();
}

void Process::read_all(int out_fd, int err_fd) {
    std::array<pollfd, 3> open{pollfd{.fd = out_fd, .events = POLLIN, .revents = 0},
                               pollfd{.fd = err_fd, .events = POLLIN, .revents = 0},
                               pollfd{.fd = wake_, .events = POLLIN, .revents = 0}};
    const std::span<pollfd> sides = std::span(open).first(2);
    std::array<char, 16384> buffer{};
    while (open[0].fd >= 0 || open[1].fd >= 0) {
        if (paused()) {
            (void)::poll(&open[2], 1, -1);
        } else {
            (void)::poll(open.data(), open.size(), -1);
        }
        if (std::exchange(open[2].revents, 0) != 0) {
            eventfd_t ignored = 0;
            ::eventfd_read(wake_, &ignored);
        }
        for (pollfd& side : sides) {
            if (side.fd < 0 || std::exchange(side.revents, 0) == 0) {
                continue;
            }
            const ssize_t count = ::read(side.fd, buffer.data(), buffer.size());
            if (count <= 0) {
                ::close(side.fd);
                side.fd = -1;
                continue;
            }
            const std::string_view piece(buffer.data(), static_cast<std::size_t>(count));
            took(side.fd == out_fd ? out_ : err_, piece);
            if (side.fd == out_fd && on_line_) {
                lines(piece);
            }
        }
    }
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
}

void Process::took(std::string& whole, std::string_view piece) {
    const std::lock_guard lock(mutex_);
    whole += piece;
    changed_.notify_all();
}

void Process::lines(std::string_view piece) {
    partial_line_ += piece;
    std::size_t begin = 0;
    for (std::size_t end = partial_line_.find('\n'); end != std::string::npos;
         end = partial_line_.find('\n', begin)) {
        on_line_(std::string_view(partial_line_).substr(begin, end - begin));
        begin = end + 1;
    }
    partial_line_.erase(0, begin);
}

Finished run(std::vector<std::string> argv, std::chrono::milliseconds limit) {
    ProcessOptions options;
    options.argv = std::move(argv);
    Process process(std::move(options));
    std::optional<int> status = process.wait(limit);
    if (!status) {
        process.signal(SIGKILL);
        status = process.wait(std::chrono::seconds(10));
    }
    return {status.value_or(137), process.out(), process.err()};
}

}  // namespace hi6gw::test
