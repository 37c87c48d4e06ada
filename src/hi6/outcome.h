#pragma once
// What became of a request to a controller, by what the caller does about it. Apart from the client
// (controller_client.h) so that pure code can decide on it.

#include <cstdint>

namespace hi6gw::hi6 {

enum class Outcome : std::uint8_t {
    ok,
    refused,       // 4xx: this request will not succeed as it is (no such signal, no such API)
    unauthorised,  // 401, 403: nothing will succeed
    server_error,  // 5xx, or a redirect (never followed): try later
    bad_data,  // 2xx whose body is not what was asked for; the framing was sound, the connection is
               // kept
    not_sent,  // the connection was found closed, or could not be opened, before any byte of the
               // request went out
    lost,  // the request went out, wholly or in part, and no complete answer came: outcome unknown
};
[[nodiscard]] const char* to_string(Outcome outcome);
// No answer: the connection is of no use any more.
[[nodiscard]] constexpr bool link_gone(Outcome outcome) {
    return outcome == Outcome::lost || outcome == Outcome::not_sent;
}
// An answer that says no: asking again is in vain.
[[nodiscard]] constexpr bool is_refusal(Outcome outcome) {
    return outcome == Outcome::refused || outcome == Outcome::unauthorised;
}

}  // namespace hi6gw::hi6
