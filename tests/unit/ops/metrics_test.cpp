#include "ops/metrics.h"

#include <gmock/gmock.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace hi6gw::ops {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

using Method = ControllerMetrics::Method;

// What is wrong with a page of the text format 0.0.4: each line is a comment or a sample, each
// family has its HELP and TYPE before its samples, once, names and units are as Prometheus asks, no
// sample comes twice.
std::vector<std::string> lint(const std::string& page) {
    static const std::regex sample(
        R"(([a-z_][a-z0-9_]*)(\{[a-z_]+="[^"\n]*"(?:,[a-z_]+="[^"\n]*")*\})? (\+?-?[0-9.e+-]+|NaN|[+-]Inf))");
    std::vector<std::string> faults;
    std::map<std::string, std::string> types;
    std::set<std::string> helped;
    std::set<std::string> seen;
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string hash, kind, name, rest;
        std::smatch match;
        if (line.starts_with("# ")) {
            words >> hash >> kind >> name >> rest;
            const bool fresh =
                kind == "HELP" ? helped.insert(name).second : types.emplace(name, rest).second;
            if (!fresh || rest.empty()) {
                faults.push_back("comment: " + line);
            }
            if (kind == "TYPE" && (rest == "counter") != name.ends_with("_total")) {
                faults.push_back("a counter, and only that, ends with _total: " + line);
            }
        } else if (std::regex_match(line, match, sample)) {
            const std::string family =
                std::regex_replace(match[1].str(), std::regex("_(bucket|sum|count)$"), "");
            if (!types.contains(family) || !helped.contains(family)) {
                faults.push_back("no TYPE or HELP: " + line);
            }
            if (!seen.insert(match[1].str() + match[2].str()).second) {
                faults.push_back("twice: " + line);
            }
        } else {
            faults.push_back("not a sample: " + line);
        }
    }
    return faults;
}

void use_all(Metrics& metrics, ControllerMetrics& r1) {
    r1.request(Method::get, "ok", 4ms);
    r1.request(Method::post, "lost", 1s);
    r1.up(true);
    r1.degraded(true);
    r1.connected();
    r1.overruns(3);
    r1.changes(64);
    r1.published(5ms);
    r1.command("verified", 20ms);
    r1.bad_data();
    metrics.mqtt_connected(true);
    metrics.mqtt_connects();
    metrics.mqtt_publish_refused();
    metrics.mqtt_in_flight(7);
    EventMetrics events;
    events.recorded = 10;
    metrics.events(events);
    events = {12, 4096, true, 20, 5, 4, 3, 6, 7, 8, 9, 2};
    metrics.events(events);
    metrics.event_loop_lag(1500us);
}

TEST(Metrics, AreValidTextFormat) {
    Metrics metrics;
    const auto r1 = metrics.controller("r1");
    const auto r2 = metrics.controller("r2");
    use_all(metrics, *r1);
    EXPECT_THAT(lint(metrics.text()), testing::IsEmpty());
    EXPECT_THAT(lint("x 1\nx 1\nfoo{\n"), testing::SizeIs(4));  // the linter can fail
}

TEST(Metrics, CountWhatTheyAreTold) {
    Metrics metrics;
    const auto r1 = metrics.controller("r1");
    use_all(metrics, *r1);
    const std::string page = metrics.text();
    for (const char* line : {
             "hi6gw_controller_up{controller=\"r1\"} 1\n",
             "hi6gw_controller_degraded{controller=\"r1\"} 1\n",
             "hi6gw_http_request_seconds_count{controller=\"r1\"} 2\n",
             "hi6gw_http_request_seconds_bucket{controller=\"r1\",le=\"0.005\"} 1\n",
             "hi6gw_poll_overruns_total{controller=\"r1\"} 3\n",
             "hi6gw_changes_total{controller=\"r1\"} 64\n",
             "hi6gw_publish_seconds_sum{controller=\"r1\"} 0.005\n",
             "hi6gw_command_seconds_count{controller=\"r1\"} 1\n",
             "hi6gw_connects_total{controller=\"r1\"} 1\n",
             "hi6gw_bad_replies_total{controller=\"r1\"} 1\n",
             "hi6gw_mqtt_connected 1\n",
             "hi6gw_mqtt_connects_total 1\n",
             "hi6gw_mqtt_publish_refused_total 1\n",
             "hi6gw_mqtt_in_flight_messages 7\n",
             "hi6gw_outbox_events 12\n",
             "hi6gw_journal_bytes 4096\n",
             "hi6gw_journal_failing 1\n",
             "hi6gw_journal_commits_total 4\n",
             "hi6gw_journal_failures_total 3\n",
             "hi6gw_events_total 20\n",
             "hi6gw_events_repeated_total 5\n",
             "hi6gw_events_dropped_total{reason=\"journal_full\"} 6\n",
             "hi6gw_events_dropped_total{reason=\"too_old\"} 7\n",
             "hi6gw_events_dropped_total{reason=\"not_written\"} 8\n",
             "hi6gw_events_dropped_total{reason=\"journal_lost\"} 9\n",
             "hi6gw_events_dropped_total{reason=\"refused\"} 2\n",
             "hi6gw_event_loop_lag_seconds 0.0015\n",
             // Never happened, and there all the same: an alert sees the first one.
             "hi6gw_commands_total{controller=\"r1\",state=\"unknown\"} 0\n",
         }) {
        EXPECT_THAT(page, HasSubstr(line));
    }
    for (
        const char* pattern :
        {R"re(hi6gw_http_requests_total\{(method="GET"|outcome="ok"|controller="r1"|,)+\} 1\n)re",
         R"re(hi6gw_http_requests_total\{(method="POST"|outcome="lost"|controller="r1"|,)+\} 1\n)re",
         R"re(hi6gw_commands_total\{(state="verified"|controller="r1"|,)+\} 1\n)re"}) {
        EXPECT_TRUE(std::regex_search(page, std::regex(pattern))) << pattern;
    }
}

TEST(Metrics, ReportTheProcess) {
    const Metrics metrics;
    const std::string page = metrics.text();
    std::smatch match;
    for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes",
                             "process_virtual_memory_bytes", "process_open_fds", "process_max_fds",
                             "process_threads", "process_start_time_seconds"}) {
        ASSERT_TRUE(
            std::regex_search(page, match, std::regex("\n" + std::string(name) + " ([0-9.e+]+)\n")))
            << name;
        if (std::string_view(name) == "process_start_time_seconds") {
            const auto now = std::chrono::system_clock::now().time_since_epoch();
            EXPECT_NEAR(std::stod(match[1]), std::chrono::duration<double>(now).count(), 600);
        } else if (std::string_view(name) != "process_cpu_seconds_total") {
            EXPECT_GE(std::stod(match[1]), 1.0) << name;
        }
    }
}

TEST(Metrics, DropTheSeriesOfARemovedController) {
    Metrics metrics;
    auto r1 = metrics.controller("r1");
    const auto r2 = metrics.controller("r2");
    use_all(metrics, *r1);
    r1.reset();
    EXPECT_THAT(metrics.text(), Not(HasSubstr("\"r1\"")));
    EXPECT_THAT(metrics.text(), HasSubstr("hi6gw_controller_up{controller=\"r2\"} 0\n"));
}

TEST(Metrics, KeepCountingWhileAControllerIsReplaced) {
    Metrics metrics;
    auto old_one = metrics.controller("r1");
    old_one->changes(1);
    const auto new_one = metrics.controller("r1");
    old_one.reset();
    new_one->changes(1);
    EXPECT_THAT(metrics.text(), HasSubstr("hi6gw_changes_total{controller=\"r1\"} 2\n"));
}

TEST(Metrics, OfAControllerMayOutliveTheOthers) {
    auto metrics = std::make_unique<Metrics>();
    const auto r1 = metrics->controller("r1");
    metrics.reset();
    r1->request(Method::get, "ok", 1ms);
}

// A scrape runs on the event loop: with 300 controllers it may not delay polls noticeably.
TEST(Metrics, OfManyControllersAreWrittenQuickly) {
    Metrics metrics;
    std::vector<std::unique_ptr<ControllerMetrics>> all;
    for (int i = 0; i < 300; ++i) {
        all.push_back(metrics.controller("r" + std::to_string(i)));
        use_all(metrics, *all.back());
    }
    const auto begin = std::chrono::steady_clock::now();
    const std::size_t size = metrics.text().size();
    const auto took = std::chrono::steady_clock::now() - begin;
    RecordProperty("bytes", static_cast<int>(size));
    RecordProperty("microseconds", static_cast<int>(took / 1us));
    EXPECT_GT(size, 300U * 1000U);
    EXPECT_LT(took, 2s);
}

}  // namespace
}  // namespace hi6gw::ops
