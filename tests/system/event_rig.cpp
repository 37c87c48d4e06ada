#include "system/event_rig.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <ostream>
#include <stdexcept>

namespace hi6gw::test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

void fault(Account& account, std::uint64_t& counter, const std::string& what) {
    ++counter;
    if (account.first_fault.empty()) {
        account.first_fault = what;
    }
}

void take_gap(Account& account, const json::object& gap) {
    const auto from = gap.at("from").to_number<std::uint64_t>();
    const auto to = gap.at("to").to_number<std::uint64_t>();
    ++account.gaps;
    if (from > account.last + 1) {
        fault(account, account.holes, "a hole before the gap from " + std::to_string(from));
    }
    if (to > account.last) {
        account.missing += to - account.last;
        account.last = to;
        ++account.reasons[std::string(gap.at("reason").as_string())];
    }
}

}  // namespace

Account account_of(const std::vector<Received>& messages) {
    const std::string prefix = "hi6/r1/event/";
    Account account;
    std::map<std::uint64_t, std::string> seen;
    for (const Received& message : messages) {
        ++account.messages;
        const json::object body = json::parse(message.payload).as_object();
        if (const json::value* gap = body.if_contains("gap")) {
            take_gap(account, gap->as_object());
            continue;
        }
        const auto seq = body.at("seq").to_number<std::uint64_t>();
        const std::string known = message.topic + ' ' + message.payload;
        const auto [earlier, fresh] = seen.emplace(seq, known);
        if (!fresh) {
            ++account.repeated;
            if (earlier->second != known) {
                fault(account, account.clashes, earlier->second + " and " + known);
            }
            continue;
        }
        if (seq != account.last + 1) {
            fault(account, account.holes,
                  std::to_string(seq) + " after " + std::to_string(account.last));
        }
        account.last = std::max(account.last, seq);
        ++account.events;
        const auto quality = body.at("quality").to_number<int>();
        ++account.qualities[std::to_string(quality)];
        if (quality == 192) {
            std::vector<int>& values = account.values[message.topic.substr(prefix.size())];
            const int value = body.at("value").to_number<int>();
            if (values.empty() || values.back() != value) {
                values.push_back(value);
            }
        }
    }
    return account;
}

std::ostream& operator<<(std::ostream& out, const Account& account) {
    out << account.events << " events delivered, " << account.repeated << " repeated, "
        << account.missing << " missing by " << account.gaps << " gap records, " << account.holes
        << " holes, " << account.clashes << " clashes";
    for (const auto& [reason, count] : account.reasons) {
        out << ", " << count << ' ' << reason;
    }
    return account.first_fault.empty() ? out : out << "; first: " << account.first_fault;
}

Cell::Cell(int signals) : simulator_({"--get-time", "0", "--quiet"}), signals_(signals) {
    // Values by which the gateway can prove the block read at once, beside the signals.
    const int first = std::max(8, 2 * signals);
    std::string bytes;
    for (int byte = first; byte < 120; ++byte) {
        bytes += (bytes.empty() ? "" : ",") + std::to_string(byte % 127 + 1);
    }
    for (const char* const area : {"fb1.dib", "fb0.dob"}) {
        const std::string at = area + std::to_string(first);
        const auto reply = http_request(simulator_.control_port(), "POST", "/memory",
                                        R"({"name":")" + at + R"(","values":[)" + bytes + "]}");
        if (reply.status != 200) {
            throw std::runtime_error(reply.body);
        }
    }
}

std::string Cell::signals() const {
    return "      - {name: \"w/{i}\", address: \"fb1.diw{i}\", for: [" + [this] {
        std::string list;
        for (int i = 0; i < signals_; ++i) {
            list += (list.empty() ? "" : ",") + std::to_string(2 * i);
        }
        return list;
    }() + "], events: true}\n";
}

std::vector<WatchedSignal> Cell::watched() const {
    std::vector<WatchedSignal> out;
    for (int i = 0; i < signals_; ++i) {
        const std::string at = std::to_string(2 * i);
        out.push_back({"w/" + at, "fb1.diw" + at, false});
    }
    return out;
}

void Cell::step(bool seen) {
    ++steps_;
    std::string values;
    for (int i = 0; i < signals_; ++i) {
        values += (values.empty() ? "" : ",") + std::to_string(steps_);
    }
    const auto reply = http_request(simulator_.control_port(), "POST", "/memory",
                                    R"({"name":"fb1.diw0","values":[)" + values + "]}");
    if (reply.status != 200) {
        throw std::runtime_error(reply.body);
    }
    set_us_.push_back(now_us());
    // The one on its way may have been answered before.
    const auto reads = seen ? simulator_.stat("reads") + 2 : 0;
    if (seen && !eventually([&] { return simulator_.stat("reads") >= reads; }, 5s)) {
        throw std::runtime_error("the gateway does not read");
    }
}

std::vector<std::int64_t> Cell::first_reads() const {
    std::vector<std::int64_t> first(set_us_.size(), 0);
    std::size_t step = 0;
    for (const LoggedRequest& request : simulator_.requests()) {
        if (request.method != "GET" || request.target.find("val_s32") == std::string::npos) {
            continue;
        }
        while (step + 1 < set_us_.size() && set_us_[step + 1] < request.wall_us) {
            ++step;
        }
        if (first[step] == 0) {
            first[step] = request.wall_us;
        }
    }
    return first;
}

int number_from(const char* variable, int otherwise) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before there is a second thread that sets any
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::atoi(text);  // NOLINT(cert-err34-c): 0 runs nothing
}

std::int64_t now_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace hi6gw::test
