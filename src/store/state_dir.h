#pragma once
// The directory for what must survive a restart, and the proof that it is ours: an exclusive lock
// on its file `lock`, which the kernel takes back when the process ends, however it ends.
//
// acquire() may wait for the disk: before the event loop runs, or on a store's worker. Thread: any.

#include "base/result.h"
#include "store/file.h"

#include <filesystem>
#include <mutex>
#include <string>
#include <utility>

namespace hi6gw::store {

class StateDir {
  public:
    enum class Trouble {
        in_use,   // by another process: starting anyway would corrupt both
        unusable  // read-only, full, no permission: whoever needs it does without until it works
    };
    struct Failure {
        Trouble trouble = Trouble::unusable;
        std::string what;  // names the directory, and the process that has it
    };
    using Acquired = boost::system::result<void, Failure>;

    explicit StateDir(std::filesystem::path path) : path_(std::move(path)) {}
    StateDir(const StateDir&) = delete;
    StateDir& operator=(const StateDir&) = delete;
    ~StateDir() =
        default;  // gives the lock back; the file stays, so that it is always the same one

    // Makes the directory (mode 0750) if there is none, and takes the lock if it is not held yet.
    // To be tried again later where it was unusable.
    [[nodiscard]] Acquired acquire();
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
    std::mutex mutex_;
    Fd lock_;
};

}  // namespace hi6gw::store
