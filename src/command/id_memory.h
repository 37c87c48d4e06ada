#pragma once
// Which command ids were seen of late, with what content, and how they ended: a repeated message is
// answered, not executed again. Bounded; time comes in as an argument.

#include "command/command.h"
#include "command/request.h"

#include <list>
#include <string>
#include <unordered_map>
#include <vector>

namespace hi6gw::command {

class IdMemory {
  public:
    static constexpr std::chrono::minutes kKept{10};  // since the first message
    static constexpr std::size_t kWaiting = 16;       // duplicates of one running command

    struct Content {
        std::string signal;  // controller/signal
        Request request;
        bool operator==(const Content&) const = default;
    };
    enum class Seen : std::uint8_t {
        fresh,    // not seen, or longer ago
        running,  // same content, not ended yet
        ended,    // same content
        reused,   // other content
    };

    // When full, the oldest ended id is forgotten; running ones never are.
    explicit IdMemory(std::size_t capacity = 10'000) : capacity_(capacity) {}

    [[nodiscard]] Seen look(const std::string& key, const Content& content, Clock::time_point now);
    void begin(const std::string& key, Content content, Clock::time_point now);  // after `fresh`
    // After `running`: will be answered with the first. False: too many wait already.
    [[nodiscard]] bool wait(const std::string& key, ReplyTo reply);
    [[nodiscard]] const CommandResult& ended(const std::string& key) const;  // after `ended`
    // Remembers the result; returns who waits for it. An unknown key is ignored.
    std::vector<ReplyTo> end(const std::string& key, const CommandResult& result);
    // As if never seen: for a command that was turned away for load; returns who waits.
    std::vector<ReplyTo> forget(const std::string& key);
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

  private:
    struct Entry {
        std::string key;
        Content content;
        Clock::time_point begun;
        std::optional<CommandResult> result;  // empty: running
        std::vector<ReplyTo> waiting;
    };
    using Entries = std::list<Entry>;  // oldest first

    std::size_t capacity_;
    Entries entries_;
    std::unordered_map<std::string, Entries::iterator> by_key_;

    void erase(Entries::iterator entry);
};

}  // namespace hi6gw::command
