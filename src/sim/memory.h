#pragma once
// The memory of the simulated controller: one flat array of bytes and the areas ("relays") that
// show parts of it, as HD Hyundai Robotics' HRScript and embedded PLC manuals describe them. Every
// type is a little-endian view of the same bytes; bit 0 of byte 0 is index 0.
// Deliberately written without the gateway's own address code: the simulator judges the gateway.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hi6gw::sim {

enum class View : std::uint8_t { bit, byte, word, dword, real };
// What the index of a w, l or f counts: bytes (the manuals) or elements (the vendor's C# and ROS
// samples). Bits and bytes count themselves either way.
enum class IndexUnit : std::uint8_t { byte, element };

// A contiguous part of the flat array.
struct Area {
    std::size_t first = 0;
    std::size_t bytes = 0;
    bool writable = false;  // by the Open API; the control interface writes anywhere
};

// Where a value lies in the flat array.
struct Place {
    std::size_t byte = 0;
    unsigned bit = 0;  // within the byte; 0 unless view is bit
    View view = View::bit;
    bool writable = false;
};

// A value as JSON shows it: a real is a float, everything else an integer (signed on reading).
struct Value {
    bool is_real = false;
    std::int64_t integer = 0;
    float real = 0;
};

class Memory {
  public:
    static constexpr std::size_t kBlocks = 10;         // fb0-fb9
    static constexpr std::size_t kBlockBytes = 120;    // 960 bits
    static constexpr std::size_t kLargeBytes = 20000;  // m and s: 160000 bits

    Memory();

    // fn<number>.<relay> becomes a window onto `bytes` bytes of fb<block>.<relay> from `first` on.
    // False: no such block, relay or range.
    bool add_window(unsigned number, std::string_view relay, unsigned block, std::size_t first,
                    std::size_t bytes);

    // "fb2.do", "fn3.di", "so", "m"; "do" alone is all ten blocks in a row. nullopt: no such area,
    // or an unconfigured window.
    [[nodiscard]] std::optional<Area> area(std::string_view name) const;
    // "fb2.dob3", "mw501", "do961" (= fb1.do1). nullopt: not a name, no such area, past its end.
    [[nodiscard]] std::optional<Place> place(std::string_view name, IndexUnit unit) const;
    // The `index`-th value of `view` in `area`.
    [[nodiscard]] static std::optional<Place> place(const Area& area, View view, std::size_t index,
                                                    IndexUnit unit);

    [[nodiscard]] Value get(const Place& place) const;
    // The bits of the value, zero-extended; set_bits takes as many low bits as the view has.
    [[nodiscard]] std::uint32_t bits(const Place& place) const;
    void set_bits(const Place& place, std::uint32_t bits);

    [[nodiscard]] bool bit(std::size_t number) const {
        return (unsigned{bytes_[number / 8]} >> (number % 8) & 1U) != 0;
    }
    void zero(const Area& area);

  private:
    std::vector<std::uint8_t> bytes_;
    std::map<std::string, Area, std::less<>> areas_;
};

// The suffix of a relay name or of a `type` parameter: "" b w l f. nullopt: anything else.
[[nodiscard]] std::optional<View> view_of_suffix(std::string_view suffix);
[[nodiscard]] std::size_t bytes_of(View view);

// The bits for a number written to a view: integers in the signed or the unsigned range of the
// width, bits 0 or 1, any finite number a float can hold for a real. nullopt: out of range, or a
// fraction for an integer view.
[[nodiscard]] std::optional<std::uint32_t> encode(View view, std::int64_t number);
[[nodiscard]] std::optional<std::uint32_t> encode(View view, double number);
// The same from decimal text, as set_relay_value takes it ("121", "-3", "2.718").
[[nodiscard]] std::optional<std::uint32_t> encode(View view, std::string_view text);

// JSON text of a value: integers plain; reals in the shortest form that reads back equal, always
// with a point or exponent; NaN and infinities as null (JSON has no other word for them).
void append_json(std::string& out, const Value& value);

}  // namespace hi6gw::sim
