#include "hi6/http_client.h"

#include "hi6/quote.h"
#include "http/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace hi6gw::hi6 {
namespace {

using boost::asio::awaitable;

constexpr std::size_t kKeptRequests = 4096;  // single reads of a few large areas; about 1 MB

LinkFault::Kind link_kind(http::ErrorKind kind) {
    switch (kind) {
        case http::ErrorKind::unresolved:
            return LinkFault::Kind::resolve;
        case http::ErrorKind::refused:
            return LinkFault::Kind::refused;
        case http::ErrorKind::unreachable:
            return LinkFault::Kind::unreachable;
        case http::ErrorKind::timeout:
            return LinkFault::Kind::timeout;
        default:
            return LinkFault::Kind::other;
    }
}

std::string detail_of(const http::Error& error) {
    return error.detail.empty() ? http::to_string(error.kind) : error.detail;
}

Outcome outcome_of(unsigned status) {
    if (status >= 200 && status < 300) {
        return Outcome::ok;
    }
    if (status == 401 || status == 403) {
        return Outcome::unauthorised;
    }
    return status >= 400 && status < 500 ? Outcome::refused : Outcome::server_error;
}

// Everything about an answer but what its body says.
Reply judge_frame(const http::Response& response) {
    Reply reply;
    reply.sent = response.sent;
    reply.answered = response.answered;
    if (!response.error.ok()) {
        reply.outcome = response.error.request_started ? Outcome::lost : Outcome::not_sent;
        reply.detail = detail_of(response.error);
        return reply;
    }
    reply.status = response.status;
    reply.outcome = outcome_of(response.status);
    if (reply.outcome != Outcome::ok) {
        const bool redirect = response.status >= 300 && response.status < 400;
        reply.detail = redirect ? fmt::format("HTTP {}: redirect not followed", response.status)
                                : fmt::format("HTTP {}", response.status);
        if (!redirect && !response.body.empty()) {
            reply.detail += ": " + quoted(response.body);
        }
    }
    return reply;
}

Reply refusal(const Address& address, std::string_view why) {
    Reply reply;
    reply.outcome = Outcome::refused;
    reply.detail = fmt::format("{}: {}", to_string(address), why);
    return reply;
}

class HttpClient final : public ControllerClient {
  public:
    HttpClient(const boost::asio::any_io_executor& executor, http::Endpoint endpoint)
        : connection_(executor, std::move(endpoint)) {}

    awaitable<LinkFault> connect(Deadline deadline) override {
        const http::Error error = co_await connection_.connect(deadline);
        LinkFault fault;
        if (!error.ok()) {
            fault.kind = link_kind(error.kind);
            fault.detail = detail_of(error);
        }
        co_return fault;
    }

    bool connected() override { return connection_.usable(); }
    void close() override { connection_.close(); }
    bool keep_alive_refused() const override { return keep_alive_refused_; }

    awaitable<Reply> read_block(BlockRead read, std::span<std::byte> out,
                                Deadline deadline) override {
        std::string request = kept(blocks_, read, block_target);
        const http::Response response = co_await connection_.exchange(std::move(request), deadline);
        Reply reply = judge(response);
        if (reply.outcome == Outcome::ok) {
            const auto asked = out.first(std::min(out.size(), std::size_t{read.words} * 4));
            if (const auto parsed = parse_words(response.body, asked)) {
                reply.words = parsed->words;
            } else {
                bad_data(reply, parsed.error());
            }
        }
        co_return reply;
    }

    awaitable<Reply> read_single(Address address, Deadline deadline) override {
        if (!has_single_read(address.area)) {
            co_return refusal(address, "the controller has no single read of this area");
        }
        std::string request = kept(singles_, address, single_target);
        const http::Response response = co_await connection_.exchange(std::move(request), deadline);
        Reply reply = judge(response);
        if (reply.outcome == Outcome::ok) {
            if (const auto parsed = parse_single(response.body, address.width)) {
                reply.raw = parsed->raw;
            } else {
                bad_data(reply, parsed.error());
            }
        }
        co_return reply;
    }

    awaitable<Reply> write(Address address, std::uint32_t raw, Deadline deadline) override {
        if (!is_writable(address.area)) {
            co_return refusal(address, "not writable");
        }
        const bool output = has_single_read(address.area);  // fb do
        std::string request = output ? http::render_post(connection_.endpoint(), kDoValTarget,
                                                         do_val_body(address, raw))
                                     : http::render_post(connection_.endpoint(), kSetRelayTarget,
                                                         set_relay_body(address, raw));
        const http::Response response = co_await connection_.exchange(std::move(request), deadline);
        co_return judge(response);
    }

    awaitable<Reply> get(std::string target, Deadline deadline) override {
        std::string request = http::render_get(connection_.endpoint(), target);
        http::Response response = co_await connection_.exchange(std::move(request), deadline);
        Reply reply = judge(response);
        reply.body = std::move(response.body);
        co_return reply;
    }

  private:
    // And remembers whether the connection was announced to end with it.
    Reply judge(const http::Response& response) {
        if (response.error.ok()) {
            keep_alive_refused_ = response.peer_closes;
        }
        return judge_frame(response);
    }

    // The framing was sound, so the connection stays.
    static void bad_data(Reply& reply, const Fault& fault) {
        reply.outcome = Outcome::bad_data;
        reply.detail = fault.what;
    }

    // The same few requests go out poll after poll: each is rendered once.
    template <class Key>
    std::string kept(std::map<Key, std::string>& requests, const Key& key,
                     std::string (*target)(const Key&)) {
        if (const auto found = requests.find(key); found != requests.end()) {
            return found->second;
        }
        if (requests.size() >= kKeptRequests) {
            requests.clear();
        }
        return requests[key] = http::render_get(connection_.endpoint(), target(key));
    }

    http::Connection connection_;
    std::map<BlockRead, std::string> blocks_;
    std::map<Address, std::string> singles_;
    bool keep_alive_refused_ = false;
};

}  // namespace

std::unique_ptr<ControllerClient> make_http_client(const boost::asio::any_io_executor& executor,
                                                   std::string host, std::uint16_t port) {
    http::Endpoint endpoint{std::move(host), port};
    return std::make_unique<HttpClient>(executor, std::move(endpoint));
}

}  // namespace hi6gw::hi6
