#include "support/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <future>
#include <list>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace hi6gw::test {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kMostWaiting = 256 * 1024;  // bytes of a direction; more stay in the kernel
constexpr std::size_t kPiece = 16 * 1024;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

int bound_socket(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = loopback(port);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        throw std::runtime_error("proxy: no port");
    }
    return fd;
}

std::uint16_t port_of(int fd) {
    sockaddr_in address{};
    socklen_t length = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
    return ntohs(address.sin_port);
}

void close_fd(int& fd, Proxy::End end) {
    if (fd < 0) {
        return;
    }
    if (end == Proxy::End::rst) {
        const linger now{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    ::close(fd);
    fd = -1;
}

void no_delay(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

struct Piece {
    std::string bytes;
    Steady::time_point due;
};

// The bytes on their way from one side of a link to the other.
struct Stream {
    std::deque<Piece> waiting;
    std::size_t size = 0;
    bool ended = false;        // the sender has said FIN,
    bool end_told = false;     // and the receiver has been told
    double credit = 0;         // bytes that the rate allows now,
    Steady::time_point since;  // counted from here
};

struct Link {
    int client = -1;
    int server = -1;
    bool vanished = false;
    Stream up;
    Stream down;
};

}  // namespace

struct Proxy::Loop {
    explicit Loop(std::uint16_t to) : target(to), wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        reserve = bound_socket(0);
        port = port_of(reserve);
        open_door();
        thread = std::thread([this] { run(); });
    }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop() {
        on_loop([this] { quit = true; });
        thread.join();
        for (Link& link : links) {
            drop(link, End::rst);
        }
        close_fillers();
        for (int* const fd : {&listener, &reserve, &wake}) {
            close_fd(*fd, End::fin);
        }
    }

    // Has the loop's thread do it; returns when it is done.
    void on_loop(std::function<void()> what) {
        auto done = std::make_shared<std::promise<void>>();
        {
            const std::lock_guard lock(mutex);
            orders.push_back([what = std::move(what), done] {
                what();
                done->set_value();
            });
        }
        ::eventfd_write(wake, 1);
        done->get_future().wait();
    }

    // --- the loop's thread alone
    void run();
    int watch(std::vector<pollfd>& fds);
    void obey();
    void accept_all();
    void accepted(int fd);
    void read_from(int& fd, Stream& stream, const Way& way);
    void write_to(int fd, Stream& stream, const Way& way);
    void serve(Link& link);
    static void drop(Link& link, End end);
    void open_door();
    void dig_black_hole();
    void close_fillers();
    void count();
    static bool may_read(const Stream& stream, const Way& way) {
        return !stream.ended && !way.stall && stream.size < kMostWaiting;
    }
    static bool has_due(const Stream& stream, const Way& way) {
        return !way.stall && !stream.waiting.empty() && stream.waiting.front().due <= Steady::now();
    }
    static void earn(Stream& stream, const Way& way);

    std::uint16_t target;
    std::uint16_t port = 0;
    int wake;
    int reserve = -1;  // bound, never listening: keeps the port while connects are refused
    int listener = -1;
    bool black_hole = false;
    std::vector<int> fillers;
    std::list<Link> links;
    Way up;
    Way down;
    bool quit = false;

    std::mutex mutex;
    std::vector<std::function<void()>> orders;
    Counts counts;

    std::thread thread;
};

void Proxy::Loop::run() {
    std::vector<pollfd> fds;
    while (!quit) {
        const int wait_ms = watch(fds);
        ::poll(fds.data(), fds.size(), wait_ms);
        obey();
        if (listener >= 0 && !black_hole) {
            accept_all();
        }
        for (Link& link : links) {
            serve(link);
        }
        links.remove_if([](const Link& link) { return link.client < 0 && link.server < 0; });
        count();
    }
}

// What to wait for, and how long at most (-1: for ever).
int Proxy::Loop::watch(std::vector<pollfd>& fds) {
    fds.assign(1, pollfd{.fd = wake, .events = POLLIN, .revents = 0});
    if (listener >= 0 && !black_hole) {
        fds.push_back({.fd = listener, .events = POLLIN, .revents = 0});
    }
    Steady::time_point next = Steady::time_point::max();
    const auto side = [&](int fd, const Stream& in, const Way& in_way, const Stream& out,
                          const Way& out_way) {
        short events = 0;
        events = static_cast<short>(events | (may_read(in, in_way) ? POLLIN : 0));
        if (has_due(out, out_way) && (out_way.rate == 0 || out.credit >= 1)) {
            events = static_cast<short>(events | POLLOUT);
        } else if (!out.waiting.empty() && !out_way.stall) {
            // With a rate, bytes come due in small lots.
            next = std::min(next, out_way.rate > 0 ? Steady::now() + std::chrono::milliseconds(20)
                                                   : out.waiting.front().due);
        }
        if (fd >= 0 && events != 0) {
            fds.push_back({.fd = fd, .events = events, .revents = 0});
        }
    };
    for (Link& link : links) {
        if (link.vanished) {
            if (link.client >= 0) {
                fds.push_back({.fd = link.client, .events = POLLIN, .revents = 0});
            }
            if (link.server >= 0) {
                fds.push_back({.fd = link.server, .events = POLLIN, .revents = 0});
            }
            continue;
        }
        side(link.client, link.up, up, link.down, down);
        side(link.server, link.down, down, link.up, up);
    }
    if (next == Steady::time_point::max()) {
        return -1;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Steady::now()).count();
    return static_cast<int>(std::max<std::int64_t>(left, 0));
}

void Proxy::Loop::obey() {
    eventfd_t ignored = 0;
    (void)::eventfd_read(wake, &ignored);
    std::vector<std::function<void()>> now;
    {
        const std::lock_guard lock(mutex);
        now.swap(orders);
    }
    for (const auto& order : now) {
        order();
    }
}

void Proxy::Loop::accept_all() {
    for (;;) {
        const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            return;
        }
        accepted(fd);
    }
}

void Proxy::Loop::accepted(int fd) {
    {
        const std::lock_guard lock(mutex);
        ++counts.links;
        counts.accepted.push_back(Steady::now());
    }
    Link link;
    link.client = fd;
    link.server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // Over loopback a connect is answered at once, or never when the server's queue is full; the
    // servers here are not that slow.
    const sockaddr_in address = loopback(target);
    if (::connect(link.server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        drop(link, End::rst);
        return;
    }
    no_delay(link.client);
    no_delay(link.server);
    link.up.since = link.down.since = Steady::now();
    links.push_back(std::move(link));
}

void Proxy::Loop::read_from(int& fd, Stream& stream, const Way& way) {
    std::array<char, kPiece> buffer{};
    while (fd >= 0 && may_read(stream, way)) {
        const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got > 0) {
            stream.waiting.push_back({std::string(buffer.data(), static_cast<std::size_t>(got)),
                                      Steady::now() + way.delay});
            stream.size += static_cast<std::size_t>(got);
        } else if (got == 0) {
            stream.ended = true;
        } else if (errno == EAGAIN) {
            return;
        } else {  // reset: so is the other side
            close_fd(fd, End::rst);
            return;
        }
    }
}

void Proxy::Loop::earn(Stream& stream, const Way& way) {
    const Steady::time_point now = Steady::now();
    const double seconds = std::chrono::duration<double>(now - stream.since).count();
    stream.since = now;
    const double rate = static_cast<double>(way.rate);
    stream.credit =
        std::min(stream.credit + seconds * rate, std::max(1.0, rate));  // a second's worth at most
}

void Proxy::Loop::write_to(int fd, Stream& stream, const Way& way) {
    earn(stream, way);
    while (fd >= 0 && has_due(stream, way)) {
        Piece& piece = stream.waiting.front();
        std::size_t size = piece.bytes.size();
        if (way.rate > 0) {
            size = std::min(size, static_cast<std::size_t>(stream.credit));
        }
        if (size == 0) {
            return;
        }
        const ssize_t sent = ::send(fd, piece.bytes.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
            return;  // full, or gone, which a read tells
        }
        const auto count = static_cast<std::size_t>(sent);
        stream.size -= count;
        stream.credit -= way.rate > 0 ? static_cast<double>(count) : 0;
        piece.bytes.erase(0, count);
        if (piece.bytes.empty()) {
            stream.waiting.pop_front();
        }
    }
    if (fd >= 0 && stream.ended && stream.waiting.empty() && !way.stall && !stream.end_told) {
        stream.end_told = true;
        ::shutdown(fd, SHUT_WR);
    }
}

void Proxy::Loop::serve(Link& link) {
    if (link.vanished) {
        std::array<char, kPiece> lost{};
        for (int* const fd : {&link.client, &link.server}) {
            while (*fd >= 0) {
                const ssize_t got = ::recv(*fd, lost.data(), lost.size(), MSG_DONTWAIT);
                if (got < 0 && errno == EAGAIN) {
                    break;
                }
                if (got <= 0) {  // each side goes on its own
                    close_fd(*fd, End::fin);
                }
            }
        }
        return;
    }
    read_from(link.client, link.up, up);
    read_from(link.server, link.down, down);
    if (link.client < 0 || link.server < 0) {
        drop(link, End::rst);
        return;
    }
    write_to(link.server, link.up, up);
    write_to(link.client, link.down, down);
    if (link.up.end_told && link.down.end_told) {
        drop(link, End::fin);
    }
}

void Proxy::Loop::drop(Link& link, End end) {
    close_fd(link.client, end);
    close_fd(link.server, end);
}

void Proxy::Loop::open_door() {
    listener = bound_socket(port);
    ::listen(listener, 64);
    black_hole = false;
}

// A listener whose queue is full drops the SYN.
void Proxy::Loop::dig_black_hole() {
    black_hole = true;
    ::listen(listener, 0);
    const sockaddr_in address = loopback(port);
    for (int i = 0; i < 8; ++i) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        fillers.push_back(fd);
    }
}

void Proxy::Loop::close_fillers() {
    for (int& fd : fillers) {
        close_fd(fd, End::rst);
    }
    fillers.clear();
}

void Proxy::Loop::count() {
    const std::lock_guard lock(mutex);
    counts.open =
        static_cast<std::size_t>(std::count_if(links.begin(), links.end(), [](const Link& link) {
            return link.client >= 0 && !link.up.ended;
        }));
    counts.open_max = std::max(counts.open_max, counts.open);
}

Proxy::Proxy(std::uint16_t server) : loop_(std::make_unique<Loop>(server)), port_(loop_->port) {}

Proxy::~Proxy() = default;

void Proxy::to_server(Way way) {
    loop_->on_loop([this, way] { loop_->up = way; });
}

void Proxy::to_client(Way way) {
    loop_->on_loop([this, way] { loop_->down = way; });
}

void Proxy::cut(End end) {
    loop_->on_loop([this, end] {
        for (Link& link : loop_->links) {
            Loop::drop(link, end);
        }
    });
}

void Proxy::vanish(bool server_knows) {
    loop_->on_loop([this, server_knows] {
        for (Link& link : loop_->links) {
            link.vanished = true;
            if (server_knows) {
                close_fd(link.server, End::rst);
            }
        }
    });
}

void Proxy::door(Door door) {
    loop_->on_loop([this, door] {
        // Whatever it was: what waits in an old queue is not ours to serve.
        loop_->close_fillers();
        close_fd(loop_->listener, End::fin);
        loop_->black_hole = false;
        if (door != Door::refused) {
            loop_->open_door();
        }
        if (door == Door::black_hole) {
            loop_->dig_black_hole();
        }
    });
}

Proxy::Counts Proxy::counts() const {
    const std::lock_guard lock(loop_->mutex);
    return loop_->counts;
}

}  // namespace hi6gw::test
