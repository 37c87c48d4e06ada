#include "support/commanded.h"

#include <map>
#include <set>
#include <utility>

namespace hi6gw::test {
namespace {

bool surely_posted(const Outcome& outcome) {
    return outcome.state == "verified" || outcome.state == "applied" || outcome.state == "mismatch";
}

}  // namespace

bool can_have_posted(const std::vector<Commanded>& commands, const std::vector<Post>& posts) {
    constexpr int kMostAttempts = 3;
    // What the output was before each post; outputs begin with 0.
    std::vector<int> held{0};
    for (const Post& post : posts) {
        held.push_back(post.applied ? post.value : held.back());
    }
    std::set<std::size_t> reached{0};
    for (const auto& [command, outcome] : commands) {
        const bool sure = outcome && surely_posted(*outcome);
        const int most = outcome ? outcome->attempts : kMostAttempts;
        std::set<std::size_t> next;
        for (const std::size_t from : reached) {
            for (std::size_t n = 0; n <= static_cast<std::size_t>(most); ++n) {
                if (n > 0 &&
                    (from + n > posts.size() || posts[from + n - 1].value != command.value)) {
                    break;
                }
                // A post may be lost on its way; where the output was so already, it reads so.
                if (n > 0 || !sure || held[from] == command.value) {
                    next.insert(from + n);
                }
            }
        }
        reached = std::move(next);
    }
    return reached.contains(posts.size());
}

bool can_have_pulsed(const std::vector<Commanded>& commands, const std::vector<Post>& posts) {
    std::set<std::size_t> reached{0};
    for (const auto& [command, outcome] : commands) {
        const bool sure = outcome && surely_posted(*outcome);
        std::set<std::size_t> next;
        for (const std::size_t from : reached) {
            if (!sure) {
                next.insert(from);
            }
            const bool tried = !outcome || outcome->attempts > 0;
            if (!tried || from >= posts.size() || posts[from].value != command.value) {
                continue;
            }
            std::size_t end = from + 1;
            while (end < posts.size() && posts[end].value != command.value) {
                ++end;
            }
            if (end > from + 1 || !posts[from].applied) {
                next.insert(end);
            }
        }
        reached = std::move(next);
    }
    return reached.contains(posts.size());
}

std::string course(const std::vector<Commanded>& commands, const std::vector<Post>& posts) {
    std::multimap<std::int64_t, std::string> lines;
    for (const auto& [command, outcome] : commands) {
        const std::string what = command.id + " = " + std::to_string(command.value);
        if (outcome) {
            lines.emplace(outcome->received_us, "received " + what);
            lines.emplace(outcome->done_us, outcome->state + ' ' + what + ", attempts " +
                                                std::to_string(outcome->attempts));
        }
    }
    for (const Post& post : posts) {
        lines.emplace(post.at_us,
                      "post " + std::to_string(post.value) + (post.applied ? "" : ", not applied"));
    }
    std::string out;
    for (const auto& [at, line] : lines) {
        out += std::to_string(at - lines.begin()->first) + " us: " + line + '\n';
    }
    return out;
}

}  // namespace hi6gw::test
