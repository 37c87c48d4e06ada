#include "config/config.h"

#include <string_view>
#include <unordered_map>

namespace hi6gw::config {

void Controllers::share_equal(const Controllers& other) {
    std::unordered_map<std::string_view, std::size_t> by_name;
    for (std::size_t i = 0; i < other.size(); ++i) {
        by_name.emplace(other[i].name, i);
    }
    for (std::shared_ptr<Controller>& own : list_) {
        const auto found = by_name.find(own->name);
        if (found != by_name.end() && *own == other[found->second]) {
            own = other.list_[found->second];
        }
    }
}

}  // namespace hi6gw::config
