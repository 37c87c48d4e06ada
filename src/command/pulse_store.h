#pragma once
// Where the journal of pulses (pulse_journal.h) is kept, as the supervisor sees it. One store for
// all controllers. Thread: the event loop's; an implementation that waits for a disk does so
// elsewhere.

#include "command/pulse_journal.h"

#include <boost/asio/awaitable.hpp>

#include <cstdint>

namespace hi6gw::command {

class PulseStore {
  public:
    PulseStore() = default;
    PulseStore(const PulseStore&) = delete;
    PulseStore& operator=(const PulseStore&) = delete;
    virtual ~PulseStore() = default;

    // Never given before, nor by an earlier run (Journal::next_number).
    [[nodiscard]] virtual std::uint64_t next_number() = 0;
    // Appends the begin line and syncs. False: it may not be on the disk. Throws only when
    // cancelled.
    virtual boost::asio::awaitable<bool> begin(OpenPulse pulse) = 0;
    // Appends the end line, behind a begin line still on its way; needs no sync, because a release
    // made up for once too often reads the output first. Also called where the begin line failed.
    virtual void end(std::uint64_t number) noexcept = 0;
};

}  // namespace hi6gw::command
