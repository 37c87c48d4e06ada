#include "support/invariants.h"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace hi6gw::test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr std::size_t kMostBroken = 20;  // told in words
// The result tells milliseconds, and the time of a POST is when the simulator had read it, which
// on a busy machine is a while after it was sent.
constexpr std::int64_t kPostSlack = 20'000;   // us
constexpr std::int64_t kResultSlack = 3'000;  // us
constexpr std::int64_t kConnectInterval = 1'000'000;
constexpr std::int64_t kConnectSlack = 400'000;  // an accept may be that late
constexpr std::int64_t kStaleAfter = 2'000'000;  // at periods up to 600 ms
constexpr std::int64_t kStaleSlack = 700'000;    // to tell the subscriber of it

const std::string kMark = "invariants/mark";  // a topic of our own

std::string text(const json::object& object, std::string_view key) {
    const json::value* const found = object.if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : "";
}

// The relay that a POST writes, and the value; nullopt: it is not one of the two that there are.
std::optional<std::pair<std::string, int>> written(const LoggedRequest& post) {
    boost::system::error_code error;
    const json::value body = json::parse(post.body, error);
    if (error || !body.is_object()) {
        return std::nullopt;
    }
    const json::object& it = body.get_object();
    if (post.target == "/project/control/ios/dio/do_val") {
        return std::pair{"fb" + std::to_string(it.at("blk_no").as_int64()) + '.' +
                             text(it, "type") + std::to_string(it.at("sig_no").as_int64()),
                         static_cast<int>(it.at("val").to_number<double>())};
    }
    if (post.target == "/project/plc/set_relay_value") {
        const json::value& value = it.at("value");
        return std::pair{text(it, "name"), value.is_string()
                                               ? std::stoi(std::string(value.as_string()))
                                               : static_cast<int>(value.to_number<double>())};
    }
    return std::nullopt;
}

bool is_read(const std::string& target) {
    return target == "/api_ver" || target == "/versions/sysver" ||
           target.starts_with("/project/control/ios/dio/di_val?") ||
           target.starts_with("/project/control/ios/dio/do_val?") ||
           target.starts_with("/project/control/ios/sio/si_val?") ||
           target.starts_with("/project/control/ios/sio/so_val?") ||
           (target.starts_with("/project/plc/") &&
            target.find("/val_s32?st=") != std::string::npos);
}

// The published one is rounded to what a reader expects: 456.7, and not 456.70000000000005.
bool same(double published, double held) {
    return std::abs(published - held) <= 1e-9 * std::abs(held);
}

std::int64_t us(std::chrono::system_clock::time_point when) {
    return std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count();
}

}  // namespace

std::int64_t wall_now_us() {
    return us(std::chrono::system_clock::now());
}

void Invariants::moves(const Broker& broker, const std::string& prefix) {
    places_.push_back(
        {&broker, prefix,
         std::make_unique<MqttProbe>(
             broker, std::vector<std::string>{prefix + "/+/state/#", prefix + "/+/result/#", kMark},
             MqttProbe::Retain::from_memory)});
}

void Invariants::watch(const std::string& controller, const Simulator& simulator,
                       std::vector<WatchedSignal> signals, const Proxy* proxy) {
    Controller& it = controllers_[controller];
    it.proxy = proxy;
    it.simulator = &simulator;
    for (const WatchedSignal& signal : signals) {
        it.known[signal.name] = signal;
        if (signal.writable) {
            it.writable.insert(signal.relay);
        }
    }
    it.signals = std::move(signals);
}

void Invariants::died() {
    deaths_us_.push_back(wall_now_us());
    cut_off();
}

void Invariants::cut_off() {
    look();
    for (const SentCommand& one : sent_) {
        if (!outcomes_.contains(one.id)) {
            orphans_.insert(one.id);
        }
    }
}

void Invariants::stepped(std::chrono::nanoseconds offset, std::int64_t since_us) {
    offsets_.push_back({since_us, wall_now_us(),
                        std::chrono::duration_cast<std::chrono::microseconds>(offset).count()});
}

// When, between two times, the gateway's clock first showed this.
std::int64_t Invariants::real_us(std::int64_t gateway_us, std::int64_t from_us,
                                 std::int64_t to_us) const {
    for (std::size_t i = 0; i < offsets_.size(); ++i) {
        const std::int64_t real = gateway_us - offsets_[i].by;
        const std::int64_t begin = std::max(offsets_[i].since, from_us) - kPostSlack;
        const std::int64_t end =
            std::min(i + 1 < offsets_.size() ? offsets_[i + 1].surely : to_us, to_us) + kPostSlack;
        if (real >= begin && real <= end) {
            return real;
        }
    }
    return gateway_us - offsets_.back().by;
}

void Invariants::sent(SentCommand command) {
    sent_us_[command.id] = wall_now_us();
    sent_.push_back(std::move(command));
}

void Invariants::breaks(std::string what) {
    if (broken_.size() < kMostBroken) {
        broken_.push_back(std::move(what));
    } else {
        ++more_broken_;
    }
}

// ---- what there is to see

// A broker passes messages on in their order.
bool Invariants::hears() {
    return std::all_of(places_.begin(), places_.end(), [](const Place& place) {
        const std::string now = std::to_string(wall_now_us());
        return eventually(
            [&] {
                publish(*place.broker, kMark, now);
                return place.probe->wait_for(kMark, now, 300ms);
            },
            10s);
    });
}

void Invariants::look() {
    for (auto& [name, controller] : controllers_) {
        for (const LoggedRequest& request : controller.simulator->requests(controller.seen)) {
            if (!request.done) {
                break;  // it is the last one: there is never more than one under way (I8)
            }
            controller.seen = request.seq;
            look_at(controller, name, request);
        }
    }
    for (const Place& place : places_) {
        for (const Received& message : place.probe->take()) {
            if (message.topic != kMark) {
                look_at(message, place.prefix);
            }
        }
    }
}

void Invariants::look_at(Controller& controller, const std::string& name,
                         const LoggedRequest& request) {
    ++requests_;
    if (request.method == "GET") {
        controller.polls.push_back(request.wall_us);
        if (!is_read(request.target)) {
            breaks("I1 " + name + " was asked for " + request.target);
        }
        return;
    }
    const auto what = request.method == "POST" ? written(request) : std::nullopt;
    if (!what || !controller.writable.contains(what->first)) {
        breaks("I1 " + name + " got " + request.method + ' ' + request.target + ' ' + request.body);
        return;
    }
    controller.posts[what->first].push_back({request.wall_us, what->second, request.applied});
}

void Invariants::look_at(const Received& message, const std::string& prefix) {
    ++messages_;
    // PREFIX/CONTROLLER/state/SIGNAL, and so for results
    const std::string path = message.topic.substr(prefix.size() + 1);
    const std::size_t kind = path.find('/') + 1;
    const std::size_t signal = path.find('/', kind) + 1;
    const std::string controller = path.substr(0, kind - 1);
    if (path.compare(kind, signal - kind, "state/") == 0) {
        look_at_state(controller + '/' + path.substr(signal), message);
    } else {
        look_at_result(controller, path.substr(signal), message);
    }
}

void Invariants::look_at_result(const std::string& controller, const std::string& signal,
                                const Received& message) {
    const json::object body = json::parse(message.payload).as_object();
    if (body.contains("duplicate")) {
        return;
    }
    std::string id = text(body, "id");
    if (!sent_us_.contains(id)) {
        id = untold(controller, signal, message);
        if (id.empty()) {
            return;
        }
    }
    // QoS 1: what was on its way when a connection broke is said again, word for word.
    std::vector<Outcome>& before = outcomes_[id];
    if (!before.empty() && before.back().payload == message.payload) {
        return;
    }
    Outcome outcome;
    outcome.payload = message.payload;
    outcome.state = text(body, "state");
    outcome.reason = text(body, "reason");
    outcome.attempts = body.at("attempts").to_number<int>();
    const std::int64_t received = body.at("received").as_int64() * 1000;
    outcome.received_us = real_us(received, sent_us_.at(id), us(message.arrived));
    // What lies between the two is the gateway's steady clock's.
    outcome.done_us = outcome.received_us + body.at("done").as_int64() * 1000 - received;
    before.push_back(std::move(outcome));
    ++results_;
}

std::string Invariants::untold(const std::string& controller, const std::string& signal,
                               const Received& message) {
    constexpr std::int64_t kAnyTtl = 24 * 3'600'000;
    if (!others_command_) {
        breaks("I2 a result of what nobody sent: " + message.topic + ' ' + message.payload);
        return "";
    }
    // Said again, see above. Two that were sent to a controller do not end in the same millisecond.
    if (!untold_.insert(message.topic + message.payload).second) {
        return "";
    }
    const json::object body = json::parse(message.payload).as_object();
    const auto it = controllers_.find(controller);
    if (it == controllers_.end() || !it->second.known.contains(signal) ||
        !body.at("value").is_number()) {
        if (body.at("attempts").to_number<int>() > 0) {
            breaks("I1 sent, but what? " + message.topic + ' ' + message.payload);
        }
        return "";
    }
    const double value = body.at("value").to_number<double>() / it->second.known.at(signal).scale;
    const std::string id = "not told " + std::to_string(untold_.size());
    sent_us_[id] = 0;
    sent_.push_back({id, controller, signal, static_cast<int>(std::lround(value)), kAnyTtl, false});
    return id;
}

void Invariants::look_at_state(const std::string& signal, const Received& message) {
    if (message.payload.empty()) {
        return;
    }
    const json::object body = json::parse(message.payload).as_object();
    Shown& shown = shown_[signal];
    const std::int64_t timestamp = body.at("timestamp").as_int64();
    if (message.retain && timestamp < shown.timestamp) {
        return;  // what a broker remembers from before it was killed; the gateway says it anew
    }
    if (timestamp < shown.timestamp) {
        breaks("I7 " + message.topic + " went back from " + std::to_string(shown.timestamp) +
               " to " + std::to_string(timestamp));
    }
    shown.timestamp = timestamp;
    const bool good = body.at("quality") == 192;
    const std::int64_t now = us(message.arrived);
    if (good && shown.good_since_us < 0) {
        shown.good_since_us = now;
    } else if (!good && shown.good_since_us >= 0) {
        shown.good.emplace_back(std::exchange(shown.good_since_us, -1), now);
    }
}

std::size_t Invariants::unanswered() const {
    return static_cast<std::size_t>(
        std::count_if(sent_.begin(), sent_.end(), [this](const SentCommand& one) {
            return !outcomes_.contains(one.id) && !orphans_.contains(one.id);
        }));
}

bool Invariants::all_answered() {
    look();
    return unanswered() == 0;
}

bool Invariants::state_is_true(std::chrono::milliseconds limit, std::string& why) {
    const Place& place = places_.back();
    const MqttProbe fresh(*place.broker, {place.prefix + "/+/state/#"});
    constexpr auto kPace = 30ms;  // it asks the controllers for every signal
    return eventually(
        [&] {
            const auto latest = fresh.latest();
            why.clear();
            for (const auto& [name, controller] : controllers_) {
                for (const WatchedSignal& signal : controller.signals) {
                    const auto found =
                        latest.find(place.prefix + '/' + name + "/state/" + signal.name);
                    if (found == latest.end() || found->second.payload.empty()) {
                        why = "I5 nothing is retained for " + name + '/' + signal.name;
                        return false;
                    }
                    const json::object body = json::parse(found->second.payload).as_object();
                    const double value = controller.simulator->get(signal.relay) * signal.scale;
                    if (body.at("quality") != 192 ||
                        !same(body.at("value").to_number<double>(), value)) {
                        why = "I5 " + found->first + " is " + found->second.payload +
                              " while the controller has " + std::to_string(value);
                        return false;
                    }
                }
            }
            return true;
        },
        limit, kPace);
}

// ---- what must hold

std::string Invariants::broken() {
    if (others_command_ && !hears()) {
        breaks("nothing comes from the broker any more");
    }
    look();
    check_commands();
    check_connections();
    check_silences();
    std::ostringstream out;
    for (const std::string& one : broken_) {
        out << one << '\n';
    }
    if (more_broken_ > 0) {
        out << "and " << more_broken_ << " more\n";
    }
    return out.str();
}

void Invariants::check_commands() {
    std::map<std::string, std::map<std::string, std::vector<Commanded>>> commanded;
    for (const SentCommand& one : sent_) {
        const auto found = outcomes_.find(one.id);
        const std::size_t count = found == outcomes_.end() ? 0 : found->second.size();
        if (count > 1 || (count == 0 && !orphans_.contains(one.id))) {
            breaks("I2 " + one.id + " has " + std::to_string(count) + " results");
        }
        Commanded& entry =
            commanded[one.controller][controllers_.at(one.controller).known.at(one.signal).relay]
                .emplace_back();
        entry.command = one;
        if (count > 0) {
            entry.outcome = found->second.front();
        }
    }
    for (auto& [name, controller] : controllers_) {
        for (const auto& [relay, posts] : controller.posts) {
            std::string place = name;
            place.append("/").append(relay);
            check_posts(place, commanded[name][relay], posts);
        }
        for (const auto& [relay, commands] : commanded[name]) {
            const SentCommand& last = commands.back().command;
            if (last.pulse && static_cast<int>(controller.simulator->get(relay)) == last.value) {
                std::string what = "I11 ";
                what.append(name).append("/").append(relay).append(" is still active\n");
                breaks(what + course(commands, controller.posts[relay]));
            }
        }
    }
}

void Invariants::check_posts(const std::string& place, const std::vector<Commanded>& commands,
                             const std::vector<Post>& posts) {
    const bool pulsed = !commands.empty() && commands.front().command.pulse;
    if (pulsed ? !can_have_pulsed(commands, posts) : !can_have_posted(commands, posts)) {
        breaks("I4 " + place + ": these POSTs are not these commands in their order:\n" +
               course(commands, posts));
    }
    // Where no two commands have the same value, a POST tells whose it is.
    std::set<int> values;
    const bool told_apart = std::all_of(commands.begin(), commands.end(), [&](const auto& one) {
        return values.insert(one.command.value).second;
    });
    for (const Commanded& one : commands) {
        if (!one.outcome) {
            continue;
        }
        if (one.outcome->state == "mismatch" && !others_write_) {
            breaks("I4 " + one.command.id + " is a mismatch, and nobody else writes");
        }
        if (one.outcome->state == "verified" && !others_write_) {
            check_verified(posts, one, commands);
        }
        if (told_apart) {
            check_times(posts, one);
        }
    }
}

void Invariants::check_times(const std::vector<Post>& posts, const Commanded& one) {
    const SentCommand& command = one.command;
    const Outcome& outcome = *one.outcome;
    int applied = 0;
    for (const Post& post : posts) {
        if (post.value != command.value) {
            continue;
        }
        applied += post.applied ? 1 : 0;
        if (post.at_us > outcome.received_us + command.ttl_ms * 1000 + kPostSlack) {
            breaks("I3 " + command.id + " was sent late");
        }
        if (post.at_us > outcome.done_us + kPostSlack) {
            breaks("I2 " + command.id + " was sent after its result");
        }
    }
    if (outcome.attempts == 0 && applied > 0) {
        breaks("I2 " + command.id + " was sent although its result says no");
    }
}

void Invariants::check_verified(const std::vector<Post>& posts, const Commanded& one,
                                const std::vector<Commanded>& all) {
    int is = 0;  // as outputs begin
    for (const Post& post : posts) {
        if (post.applied && post.at_us < one.outcome->done_us - kResultSlack) {
            is = post.value;
        }
    }
    if (is != (one.command.pulse ? 1 - one.command.value : one.command.value)) {
        breaks("I4 " + one.command.id + " was verified, but not true:\n" + course(all, posts));
    }
}

void Invariants::check_connections() {
    for (const auto& [name, controller] : controllers_) {
        const Simulator& simulator = *controller.simulator;
        const auto open = controller.proxy != nullptr
                              ? static_cast<std::int64_t>(controller.proxy->counts().open_max)
                              : simulator.stat("connections_open_max");
        if (open > controller.gateways) {
            breaks("I8 " + name + " had more than one connection");
        }
        if (controller.proxy == nullptr &&
            simulator.stat("requests_open_max") > controller.gateways) {
            breaks("I8 " + name + " had more than one request");
        }
        if (simulator.stat("asked_close") > 0) {
            breaks("I8 " + name + " was sent Connection: close");
        }
        const std::vector<std::int64_t> connects = simulator.connects();
        // One late accept makes one interval short, but not two.
        for (std::size_t i = 2; i < connects.size(); ++i) {
            const bool same =
                std::none_of(deaths_us_.begin(), deaths_us_.end(), [&](std::int64_t death) {
                    return death >= connects[i - 2] && death <= connects[i];
                });
            if (same && connects[i] - connects[i - 2] < 2 * kConnectInterval - kConnectSlack) {
                breaks("I8 " + name + " had three connects within " +
                       std::to_string(connects[i] - connects[i - 2]) + " us");
            }
        }
    }
}

// I6: after so long a silence nothing may be standing as good.
void Invariants::check_silences() {
    for (const Silence& silence : silences_) {
        const std::int64_t from = silence.begin_us + kStaleAfter + kStaleSlack;
        for (const WatchedSignal& signal : controllers_.at(silence.controller).signals) {
            const Shown& shown = shown_[silence.controller + '/' + signal.name];
            const auto overlaps = [&](std::int64_t begin, std::int64_t end) {
                return begin < silence.end_us && end > from && from < silence.end_us;
            };
            const bool now =
                shown.good_since_us >= 0 && overlaps(shown.good_since_us, silence.end_us);
            const bool before =
                std::any_of(shown.good.begin(), shown.good.end(),
                            [&](const auto& good) { return overlaps(good.first, good.second); });
            if (now || before) {
                breaks("I6 " + silence.controller + '/' + signal.name +
                       " stood as good while its controller was silent");
            }
        }
    }
}

Invariants::Tally Invariants::tally() const {
    Tally tally;
    for (const auto& [id, outcomes] : outcomes_) {
        if (outcomes.empty()) {
            continue;
        }
        ++tally.states[outcomes.front().state];
        ++tally.reasons[outcomes.front().reason];
    }
    for (const auto& [name, controller] : controllers_) {
        for (const auto& [relay, posts] : controller.posts) {
            tally.posts += posts.size();
        }
        tally.connects += static_cast<std::size_t>(controller.simulator->stat("connections_total"));
    }
    tally.requests = requests_;
    tally.messages = messages_;
    return tally;
}

double lateness_ms(const std::vector<std::int64_t>& polls, std::chrono::milliseconds period,
                   std::int64_t begin_us, std::int64_t end_us, double share) {
    const auto grid = std::chrono::duration_cast<std::chrono::microseconds>(period).count();
    std::vector<std::int64_t> late;
    const auto first = std::lower_bound(polls.begin(), polls.end(), begin_us);
    const auto last = std::upper_bound(first, polls.end(), end_us);
    // The wait at both ends counts, or a stall over the whole time would not be seen.
    std::int64_t before = begin_us;
    for (auto poll = first; poll != last; ++poll) {
        late.push_back(std::max<std::int64_t>(0, *poll - before - grid));
        before = *poll;
    }
    late.push_back(std::max<std::int64_t>(0, end_us - before - grid));
    std::sort(late.begin(), late.end());
    const auto at = static_cast<std::size_t>(share * static_cast<double>(late.size() - 1));
    return static_cast<double>(late[at]) / 1000;
}

}  // namespace hi6gw::test
