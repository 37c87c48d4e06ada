#pragma once
// Exit codes of hi6gw (design contract section 1; 64 and 78 as in sysexits.h).

namespace hi6gw::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 64;
inline constexpr int kExitConfig = 78;

}  // namespace hi6gw::cli
