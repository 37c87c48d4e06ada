#pragma once
// The lists of signals: entries with their options, `for:` ranges, defaults. The loader's own.

#include "config/values.h"

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace hi6gw::config {

inline constexpr std::size_t kMaxSignals = 1'000'000;  // of all controllers
inline constexpr std::int64_t kMaxForIndex = 159'999;  // the last bit of the largest area

// Where a signal's entry begins.
struct Origin {
    const std::string* file = nullptr;
    int line = 0;
    int column = 0;
};

// One controller while its lists are read.
struct SignalScope {
    explicit SignalScope(Controller& owner) : controller(owner) {}

    struct Feedback {  // checked when all names are known
        Problem problem;
        std::vector<std::string> names;
    };
    Controller& controller;
    std::vector<Origin> origins;  // parallel to controller.signals
    std::unordered_map<std::string, std::uint32_t> by_name;
    std::vector<Feedback> feedback;
};

class SignalReader {
  public:
    explicit SignalReader(Values& values) : values_(values) {}

    // `defaults:`; before any list.
    void read_defaults(const Place& place);
    void read_list(const Place& list, SignalScope& scope);
    // After all lists of a controller.
    void finish(SignalScope& scope);

  private:
    struct Entry;
    void read_entry(const Place& place, SignalScope& scope);
    bool read_templates(Entry& entry);
    std::optional<std::vector<std::int64_t>> read_range(const Place& place);
    void expand(Entry& entry, SignalScope& scope);
    void add_signal(Entry& entry, SignalScope& scope, std::int64_t i);
    static void enlist(Entry& entry, SignalScope& scope, Signal signal);
    void report_tallies(const Entry& entry);

    domain::SignalOptions read_options(const Section& section, domain::SignalOptions options);
    void read_values(const Place& place, domain::SignalOptions& options);
    void check_order(const Section& section, const domain::SignalOptions& options);
    void fit_to_type(const Section& section, domain::SignalOptions& options,
                     const hi6::Address& address);
    void check_ranges(const Section& section, const domain::SignalOptions& options,
                      const hi6::Address& address);
    std::shared_ptr<const domain::SignalOptions> intern(domain::SignalOptions options);

    using Shared = std::shared_ptr<const domain::SignalOptions>;
    struct Hash {
        std::size_t operator()(const Shared& options) const;
    };
    struct Equal {
        bool operator()(const Shared& a, const Shared& b) const { return *a == *b; }
    };

    Values& values_;
    domain::SignalOptions defaults_;
    std::unordered_set<Shared, Hash, Equal> interned_;
    std::size_t total_ = 0;
};

}  // namespace hi6gw::config
