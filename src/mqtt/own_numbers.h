#pragma once
// What Paho keeps to itself, a socket or a thread, is found from outside: in /proc/self.

#include <charconv>
#include <filesystem>
#include <string>
#include <system_error>

namespace hi6gw::mqtt {

// Calls `use(number)` for each entry of "/proc/self/fd" or "/proc/self/task". What cannot be listed
// is left out. May block. Any thread.
template <class Use>
void for_each_own(const char* directory, Use use) {
    std::error_code error;
    std::filesystem::directory_iterator entry(directory, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        int number = -1;
        std::from_chars(name.data(), name.data() + name.size(), number);
        if (number >= 0) {
            use(number);
        }
    }
}

}  // namespace hi6gw::mqtt
