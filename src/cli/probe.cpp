#include "cli/probe.h"

#include "cli/exit_codes.h"
#include "hi6/open_api.h"
#include "hi6/quote.h"
#include "hi6/read_plan.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <ostream>
#include <utility>
#include <vector>

namespace hi6gw::cli {
namespace {

namespace asio = boost::asio;
using hi6::Outcome;
using Millis = std::chrono::duration<double, std::milli>;
using namespace std::chrono_literals;

constexpr int kSamples = 100;
constexpr int kSamplesOfACloser = 10;  // each costs a connection, and a second
constexpr int kBlocks = 10;
// Most of the state that the vendor documents at /project/rgen.
constexpr std::string_view kState = "/project/rgen";

// Share of the values, in order, that lie at or below the returned one.
double percentile(const std::vector<double>& sorted, double share) {
    const auto rank =
        static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
    return sorted[std::max<std::size_t>(rank, 1) - 1];
}

class Probe {
  public:
    Probe(Visit& visit, const ProbeOptions& options, std::ostream& out)
        : visit_(visit), options_(options), out_(out) {}

    asio::awaitable<void> report() {
        say("controller", options_.url);
        say("api version", visit_.api_version());
        co_await versions();
        co_await state();
        co_await blocks();
        const hi6::Address single{{hi6::Scope::fb, 0, hi6::Relay::do_}, hi6::Width::byte, 0};
        co_await measure("single GET", single, {});
        if (block_) {
            const hi6::BlockRead block{single.area, 0, hi6::kDefaultBlockWords};
            co_await measure("block GET", single, block);
        }
        keep_alive();
        suggest();
    }

  private:
    void say(std::string_view what, std::string_view words) {
        out_ << fmt::format("{:<12}  {}\n", what, words);
    }

    // Opens the connection again should it have ended, as often as is allowed.
    asio::awaitable<void> connected() {
        while (!visit_.client().connected() && !visit_.client().keep_alive_refused()) {
            const hi6::LinkFault fault = co_await visit_.client().connect(visit_.deadline() + 2s);
            if (!fault.ok()) {
                co_return;
            }
        }
    }

    asio::awaitable<hi6::Reply> get(std::string_view path) {
        co_await connected();
        std::string target(path);
        ++requests_;
        hi6::Reply reply = co_await visit_.client().get(std::move(target), visit_.deadline());
        co_return reply;
    }

    asio::awaitable<void> versions() {
        const hi6::Reply reply = co_await get(hi6::kSystemVersionTarget);
        const auto modules = hi6::parse_system_version(reply.body);
        if (reply.outcome != Outcome::ok || !modules) {
            say("versions", "not told: " + (reply.outcome == Outcome::ok ? modules.error().what
                                                                         : reply.detail));
            co_return;
        }
        std::string words;
        for (const hi6::Module& module : *modules) {
            words += (words.empty() ? "" : ", ") + module.name + ' ' + module.version;
        }
        say("versions", words);
    }

    asio::awaitable<void> state() {
        const hi6::Reply reply = co_await get(kState);
        boost::json::parse_options tolerant;
        tolerant.allow_trailing_commas = true;
        boost::system::error_code ec;
        const boost::json::value parsed = boost::json::parse(reply.body, ec, {}, tolerant);
        if (reply.outcome != Outcome::ok || ec || !parsed.is_object()) {
            say("state", "not told");
            co_return;
        }
        std::string words;
        for (const char* name : {"cur_mode", "is_playback", "is_remote_mode", "cur_prog_no"}) {
            if (const auto* member = parsed.get_object().if_contains(name)) {
                words += (words.empty() ? "" : ", ") + std::string(name) + ' ' +
                         (member->is_number() ? boost::json::serialize(*member) : "not a number");
            }
        }
        say("state", words);
    }

    // Whether block reads can be used, and what an index counts.
    asio::awaitable<void> blocks() {
        std::vector<hi6::Area> areas;
        for (std::uint8_t block = 0; block < kBlocks; ++block) {
            areas.push_back({hi6::Scope::fb, block, hi6::Relay::do_});
            areas.push_back({hi6::Scope::fb, block, hi6::Relay::di});
        }
        std::array<hi6::IndexUnit, 2> units{options_.visit.unit, hi6::IndexUnit::element};
        if (units[0] == units[1]) {
            units[1] = hi6::IndexUnit::byte;
        }
        std::string first_reason;
        for (const hi6::IndexUnit unit : units) {
            poll::BlockProver prover(visit_.client(), visit_.client(), visit_.time(),
                                     options_.visit.timeout, unit, hi6::kDefaultBlockWords);
            co_await connected();
            std::vector<hi6::Area> copy = areas;
            std::ignore = co_await prover.prove(std::move(copy));
            const auto state = prover.proof().state();
            if (state == hi6::BlockProof::State::disproven) {
                first_reason = first_reason.empty() ? prover.proof().reason() : first_reason;
                continue;
            }
            block_ = true;
            unit_ = unit;
            const bool proven = state == hi6::BlockProof::State::proven;
            say("block read", proven ? "proven" : "usable; " + prover.proof().reason());
            const std::string name = unit == hi6::IndexUnit::byte ? "byte" : "element";
            say("index unit", prover.proof().unit_settled()
                                  ? name
                                  : "not told by the data there are now; " + name + " is assumed");
            co_return;
        }
        say("block read", "not usable: " + first_reason);
    }

    asio::awaitable<void> measure(std::string_view what, hi6::Address address,
                                  hi6::BlockRead block) {
        std::vector<double> took;
        std::vector<std::byte> content(std::size_t{block.words} * 4);
        std::string trouble;
        const auto rest = visit_.time().alarm();
        int samples = kSamples;
        for (int i = 0; i < samples; ++i) {
            co_await connected();
            ++requests_;
            hi6::Reply reply;
            if (block.words > 0) {
                reply = co_await visit_.client().read_block(block, content, visit_.deadline());
            } else {
                reply = co_await visit_.client().read_single(address, visit_.deadline());
            }
            if (reply.outcome != Outcome::ok) {
                trouble = reply.detail;
                break;
            }
            const auto time = reply.answered - reply.sent;
            took.push_back(Millis(time).count());
            const bool closes = visit_.client().keep_alive_refused() ||
                                visit_.client().connects() > static_cast<std::uint64_t>(i) / 2 + 2;
            samples = closes ? kSamplesOfACloser : samples;
            const auto rested = visit_.time().now() + time;  // half of its time is left to others
            co_await rest->wait_until(rested);
        }
        summarise(what, std::move(took), trouble);
    }

    void summarise(std::string_view what, std::vector<double> took, const std::string& trouble) {
        if (took.empty()) {
            say(what, "failed: " + trouble);
            return;
        }
        std::sort(took.begin(), took.end());
        slowest_usual_ = percentile(took, 0.99);
        say(what,
            fmt::format("p50 {:.1f} ms, p90 {:.1f}, p99 {:.1f}, max {:.1f} ({} requests){}",
                        percentile(took, 0.5), percentile(took, 0.9), slowest_usual_, took.back(),
                        took.size(), trouble.empty() ? "" : "; then failed: " + trouble));
    }

    void keep_alive() {
        const std::uint64_t connects = visit_.client().connects();
        if (visit_.client().keep_alive_refused()) {
            say("keep-alive",
                "refused: the connection is closed after each answer; every value "
                "will cost a second");
        } else if (connects > 1) {
            say("keep-alive", fmt::format("the connection was closed now and then: {} connections "
                                          "for {} requests",
                                          connects, requests_));
        } else {
            say("keep-alive", "kept: one connection for all requests");
        }
    }

    // The shortest of the usual periods at which one read a sweep is half of the time at most.
    [[nodiscard]] int period_ms() const {
        for (const int period : {10, 20, 50, 100, 200, 500}) {
            if (period >= 2 * slowest_usual_) {
                return period;
            }
        }
        return 1000;
    }

    void suggest() {
        out_ << "\ncontrollers:\n  - name: r1\n    url: " << options_.url << '\n';
        if (!block_) {
            out_ << "    block_read: off\n";
        }
        if (unit_ == hi6::IndexUnit::element) {
            out_ << "    index_unit: element\n";
        }
        out_
            << "    signals:\n      - {name: \"in/{i}\", address: \"fb0.di{i}\", for: 0..15, poll: "
            << period_ms() << "ms}\n";
    }

    Visit& visit_;
    const ProbeOptions& options_;
    std::ostream& out_;
    bool block_ = false;
    hi6::IndexUnit unit_ = hi6::IndexUnit::byte;
    double slowest_usual_ = 0;
    int requests_ = 1;  // the API version
};

asio::awaitable<int> look(Visit& visit, const ProbeOptions& options, std::ostream& out,
                          std::ostream& err) {
    const std::string trouble = co_await visit.arrive();
    if (!trouble.empty()) {
        err << "error: " << trouble << '\n';
        co_return kExitFailure;
    }
    Probe probe(visit, options, out);
    co_await probe.report();
    co_return kExitOk;
}

}  // namespace

int probe(const ProbeOptions& options, std::ostream& out, std::ostream& err) {
    return run_visit(options.visit, [&](Visit& visit) { return look(visit, options, out, err); });
}

}  // namespace hi6gw::cli
