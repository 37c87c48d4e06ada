// What an answer to a read means for the values, and for what is read next and how.

#include "poll/lane.h"

#include <algorithm>
#include <array>
#include <span>

namespace hi6gw::poll {
namespace {

using domain::Quality;
using hi6::Outcome;
using namespace std::chrono_literals;

constexpr auto kUnauthorisedRetry = 10s;

}  // namespace

// A good answer to a read.
void Lane::take_in(const ReadItem& item, const hi6::Reply& reply) {
    answered();
    cleared(item);
    link_.unauthorised(false);
    link_.online();
    const Moment at{reply.answered, moment().wall_ms};
    std::uint32_t changes = 0;
    if (item.block) {
        const auto whole =
            static_cast<std::uint32_t>(std::min<std::size_t>(reply.words * 4, buffer_.size()));
        const std::uint32_t got = whole > item.skip ? std::min(whole - item.skip, item.bytes) : 0;
        changes = table_.apply(item.image,
                               std::span<const std::byte>(buffer_).subspan(item.skip, got), at);
        if (got < item.bytes) {
            table_.mark(item.image + got, item.bytes - got, Quality::bad_data, at.wall_ms);
        }
    } else {
        std::array<std::byte, 4> raw{};
        for (std::size_t i = 0; i < raw.size(); ++i) {
            raw[i] = static_cast<std::byte>(reply.raw >> (8 * i) & 0xff);
        }
        changes = table_.apply(item.image, std::span<const std::byte>(raw).first(item.bytes), at);
    }
    metrics_.changes(changes);
    update_status();
    say_news();
}

// Anything but a good answer.
Lane::Step Lane::fault(const ReadItem& item, const hi6::Reply& reply) {
    if (link_gone(reply.outcome)) {
        lost(reply.detail);
        return Step::reconnect;
    }
    answered();
    trouble_since_ = Steady::time_point::max();
    Step step = Step::next;
    switch (reply.outcome) {
        case Outcome::bad_data:
            if (garbled_.insert(item.image).second) {
                say(fault_lines_, false, "bad data: " + reply.detail);
            }
            metrics_.bad_data();
            table_.mark(item.image, item.bytes, Quality::bad_data, moment().wall_ms);
            break;
        case Outcome::refused:
            step = refused(item, reply);
            break;
        case Outcome::unauthorised:
            link_.unauthorised(true);
            table_.mark_all(Quality::refused, moment().wall_ms);
            schedule_.pause(time_.now() + kUnauthorisedRetry);
            step = Step::abandon;
            break;
        default:
            step = server_error(item, reply);
            break;
    }
    link_.online();
    update_status();
    say_news();
    return step;
}

Lane::Step Lane::refused(const ReadItem& item, const hi6::Reply& reply) {
    const auto retry = time_.now() + kRefusedRetry;
    if (!item.block) {
        if (refused_.insert(item.image).second) {
            say(fault_lines_, false, to_string(item.single) + " refused: " + reply.detail);
        }
        hold(item, retry);
        table_.mark(item.image, item.bytes, Quality::refused, moment().wall_ms);
        return Step::next;
    }
    say(fault_lines_, false,
        "block read of " + to_string(item.window.area) + " refused: " + reply.detail);
    no_block_.emplace(item.window.area, item.window);
    retry_blocks_at_ = std::min(retry_blocks_at_, retry);
    arrange();
    return Step::abandon;
}

// One request that fails does not keep the others from being served; two in a row, and the
// controller is left alone for a while.
Lane::Step Lane::server_error(const ReadItem& item, const hi6::Reply& reply) {
    failing_.insert(item.image);
    if (!link_.failing()) {
        link_.server_errors(true, "server_error: " + reply.detail);
    }
    const Steady::time_point retry = time_.now() + error_backoff_.failed();
    hold(item, retry);
    retry_failing_at_ = std::min(retry_failing_at_, retry);
    if (++errors_in_row_ < 2) {
        return Step::next;
    }
    schedule_.pause(retry);
    return Step::abandon;
}

void Lane::hold(const ReadItem& item, Steady::time_point until) {
    held_[item.image] = until;
}

bool Lane::held(const ReadItem& item) const {
    const auto found = held_.find(item.image);
    return found != held_.end() && time_.now() < found->second;
}

// A good answer to this item: whatever ailed a read that begins within it is over.
void Lane::cleared(const ReadItem& item) {
    trouble_since_ = Steady::time_point::max();
    errors_in_row_ = 0;
    held_.erase(item.image);
    for (auto* faults : {&refused_, &failing_, &garbled_}) {
        faults->erase(faults->lower_bound(item.image),
                      faults->lower_bound(item.image + item.bytes));
    }
    if (failing_.empty()) {
        error_backoff_.succeeded();
        link_.server_errors(false, "");
    }
}

// Whether a value in this answer means one thing or another by a reading that the proof has not
// ruled out yet. Content that was looked at before, with the proof as it is, is not looked at
// again.
bool Lane::hangs_on_proof(const ReadItem& item, const hi6::Reply& reply) {
    if (prover_.proof().state() != hi6::BlockProof::State::pending) {
        return false;
    }
    const auto content =
        std::span<const std::byte>(buffer_).first(std::min(reply.words * 4, buffer_.size()));
    std::vector<std::byte>& harmless = harmless_[item.window];
    if (std::ranges::equal(harmless, content)) {
        return false;
    }
    const hi6::BlockProof::Window window{item.window, content};
    const bool hangs = std::ranges::any_of(config_->signals, [&](const config::Signal& signal) {
        return signal.address.area == item.window.area &&
               prover_.proof().must_ask(window, signal.address);
    });
    if (!hangs) {
        harmless.assign(content.begin(), content.end());
    }
    return hangs;
}

// Where a proof can be had: areas in use that both APIs serve, else areas in use that the block API
// serves (they can tell what `st` counts), else, for the unit, outputs that every controller has.
std::vector<hi6::Area> Lane::proving_areas() const {
    std::vector<hi6::Area> areas;
    std::vector<hi6::Area> block_only;
    for (const hi6::Area& area : plan_.areas()) {
        if (hi6::has_block_read(area) && area.scope != hi6::Scope::fn) {
            (hi6::has_single_read(area) ? areas : block_only).push_back(area);
        }
    }
    if (areas.empty() && !block_only.empty()) {
        areas.push_back({hi6::Scope::fb, 0, hi6::Relay::do_});
        areas.push_back({hi6::Scope::fb, 0, hi6::Relay::di});
    }
    areas.insert(areas.end(), block_only.begin(), block_only.end());
    return areas;
}

AreaMode Lane::area_mode(const hi6::Area& area) const {
    const auto proof = prover_.proof().state();
    const bool usable = proof == hi6::BlockProof::State::proven ||
                        (proof == hi6::BlockProof::State::pending && !restless_.contains(area));
    const bool block =
        config_->block_read != config::BlockMode::off && usable && !no_block_.contains(area);
    if (block && hi6::has_block_read(area)) {
        return AreaMode::block;
    }
    const bool single = config_->block_read != config::BlockMode::on || !hi6::has_block_read(area);
    return single && hi6::has_single_read(area) ? AreaMode::single : AreaMode::none;
}

// Lays out plan and image for what is known of the controller now.
void Lane::arrange() {
    plan_.arrange([this](const hi6::Area& area) { return area_mode(area); });
    table_.arrange(plan_.places(), plan_.image_bytes());
    held_.clear();
    refused_.clear();
    failing_.clear();
    garbled_.clear();
    for (const std::uint32_t signal : plan_.unreadable()) {
        table_.mark_signal(signal, Quality::refused, moment().wall_ms);
    }
    arrange_status();
}

void Lane::arrange_status() {
    const auto state = prover_.proof().state();
    if (config_->block_read == config::BlockMode::off) {
        link_.block_reads(AreaMode::single, false, "");
    } else if (state == hi6::BlockProof::State::disproven) {
        link_.block_reads(AreaMode::single, true, prover_.proof().reason());
    } else if (!no_block_.empty()) {
        link_.block_reads(AreaMode::block, true,
                          "block read of " + to_string(no_block_.begin()->first) + " refused");
    } else if (state == hi6::BlockProof::State::pending && restless_.any()) {
        link_.block_reads(AreaMode::block, true, restless_.why());
    } else {
        link_.block_reads(AreaMode::block, false, prover_.proof().reason());
    }
    if (link_.is_online()) {
        update_status();
    }
}

}  // namespace hi6gw::poll
