#pragma once
// From what a sender asked for to the raw bits that are written. Pure. Exact: what cannot be shown
// back as it was asked for is refused, never rounded.

#include "command/command.h"
#include "command/request.h"

#include <variant>

namespace hi6gw::command {

// What a Scalar means for one signal.
//  - An enum text of `values:` first, then true, false, on, off (bits only), then 0x and 1 to 8
//    digits (bits and unscaled integers only).
//  - An unscaled integer may be given in the signed or the unsigned range of its width.
//  - A scaled number must be one that some raw value is published as.
//  - A float must have its shortest digits (0.1, 12.5), or be a float exactly.
struct Encoded {
    std::uint32_t raw = 0;
    domain::Value value;  // as raw will be published
};
// The error: bad_payload (means nothing for this signal) or out_of_range. `limits`: also check
// `min` and `max`, against the number as given and as published.
[[nodiscard]] std::variant<Encoded, Reason> encode(const Scalar& scalar, hi6::Width width,
                                                   const domain::SignalOptions& options,
                                                   bool limits);

// The raw bits by which this signal is published as `value`, itself another signal's. nullopt:
// there are none.
[[nodiscard]] std::optional<std::uint32_t> encode_value(const domain::Value& value,
                                                        hi6::Width width,
                                                        const domain::SignalOptions& options);

// The value as a double; nullopt for monostate.
[[nodiscard]] std::optional<double> as_double(const domain::Value& value);

}  // namespace hi6gw::command
