// Any bytes as the answer of a controller, cut at any places: the first byte says how. However it
// is cut, a whole answer must read the same, within its bounds.
#include "http/response_reader.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using hi6gw::http::ResponseReader;

void feed(ResponseReader& reader, std::string_view bytes, std::size_t piece) {
    for (; !bytes.empty() && reader.state() == ResponseReader::State::need_more;
         bytes.remove_prefix(std::min(piece, bytes.size()))) {
        reader.feed(bytes.substr(0, piece));
    }
    reader.end_of_stream();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    ResponseReader whole;
    feed(whole, bytes, size);
    ResponseReader cut;
    feed(cut, bytes, std::size_t{1} + data[0]);
    if (whole.state() == ResponseReader::State::need_more ||
        cut.state() == ResponseReader::State::need_more) {
        std::abort();  // a FIN decides
    }
    if (whole.state() == ResponseReader::State::complete) {
        const std::string body = whole.take_body();
        if (cut.state() != whole.state() || cut.status() != whole.status() ||
            cut.take_body() != body || body.size() > hi6gw::http::kMaxBody) {
            std::abort();
        }
    }
    return 0;
}
