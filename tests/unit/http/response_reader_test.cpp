// The framing of answers (fault matrix C19 to C24), whole and cut at every byte.
#include "http/response_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hi6gw::http {
namespace {

using State = ResponseReader::State;

const std::string kStatus = "HTTP/1.1 200 OK\r\n";
const std::string kLength3 = "Content-Length: 3\r\n";
const std::string kChunked = kStatus + "Transfer-Encoding: chunked\r\n";

struct Case {
    const char* what;
    std::string bytes;
    bool eof = false;  // followed by a FIN
    std::string body = {};
    unsigned status = 200;
    bool peer_closes = false;
    ErrorKind error = ErrorKind::none;
};

Case sound(const char* what, std::string bytes, std::string body = "[7]", unsigned status = 200) {
    return Case{what, std::move(bytes), false, std::move(body), status};
}
Case closing(const char* what, std::string bytes, std::string body, bool eof) {
    return Case{what, std::move(bytes), eof, std::move(body), 200, true};
}
Case malformed(const char* what, std::string bytes) {
    return Case{what, std::move(bytes), false, "", 0, false, ErrorKind::malformed};
}
Case too_large(const char* what, std::string bytes) {
    return Case{what, std::move(bytes), false, "", 0, false, ErrorKind::too_large};
}
Case cut_off(const char* what, std::string bytes) {
    return Case{what, std::move(bytes), true, "", 0, false, ErrorKind::closed};
}

std::string many(const std::string& text, std::size_t times) {
    std::string all;
    for (std::size_t i = 0; i < times; ++i) {
        all += text;
    }
    return all;
}

// Feeds the bytes in pieces, then the FIN.
void feed(ResponseReader& reader, const Case& input, std::size_t piece) {
    for (std::size_t at = 0; at < input.bytes.size(); at += piece) {
        reader.feed(std::string_view(input.bytes).substr(at, piece));
    }
    if (input.eof) {
        reader.end_of_stream();
    }
}

class Answers : public testing::TestWithParam<Case> {};

TEST_P(Answers, ReadTheSameHoweverTheyAreCut) {
    const Case& expected = GetParam();
    for (const std::size_t piece :
         {std::size_t{1}, std::size_t{3}, std::size_t{4096}, std::size_t{1} << 20}) {
        ResponseReader reader;
        feed(reader, expected, piece);
        EXPECT_EQ(reader.error(), expected.error) << piece << ": " << reader.detail();
        if (expected.error != ErrorKind::none) {
            EXPECT_EQ(reader.state(), State::failed);
            EXPECT_FALSE(reader.detail().empty());
            continue;
        }
        ASSERT_EQ(reader.state(), State::complete) << piece;
        EXPECT_EQ(reader.status(), expected.status);
        EXPECT_EQ(reader.peer_closes(), expected.peer_closes);
        EXPECT_EQ(reader.take_body(), expected.body);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Sound, Answers,
    testing::Values(
        sound("Length", kStatus + kLength3 + "\r\n[7]"),
        sound("LengthZero", kStatus + "Content-Length: 0\r\n\r\n", ""),
        sound("SameLengthTwice", kStatus + kLength3 + kLength3 + "\r\n[7]"),
        sound("NoReason", "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", "", 404),
        sound("LowerCaseNames", kStatus + "content-length:3\r\n\r\n[7]"),
        sound("FoldedField", kStatus + "X: a\r\n b\r\n" + kLength3 + "\r\n[7]"),
        sound("NoContent", "HTTP/1.1 204 No Content\r\n\r\n", "", 204),
        sound("NotModified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "", 304),
        sound("Chunked", kChunked + "\r\n2\r\n[7\r\n1\r\n]\r\n0\r\n\r\n"),
        sound("ExtensionsAndTrailers",
              kChunked + "\r\n3;a;b=\"c;d\"\r\n[7]\r\n000;z\r\nX: y\r\nZ: w\r\n\r\n"),
        sound("ChunkedEmpty", kChunked + "\r\n0\r\n\r\n", ""),
        sound("Continue", "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n" + kStatus +
                              kLength3 + "\r\n[7]"),
        sound("Http10KeepAlive",
              "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n" + kLength3 + "\r\n[7]"),
        sound("AnyBodyByte", kStatus + kLength3 + "\r\n" + std::string("\0\xff\r", 3),
              std::string("\0\xff\r", 3)),
        sound("LargestBody",
              kStatus + "Content-Length: 262144\r\n\r\n" + std::string(kMaxBody, 'x'),
              std::string(kMaxBody, 'x')),
        closing("UntilEof", kStatus + "\r\n[7]", "[7]", true),
        closing("UntilEofEmpty", kStatus + "\r\n", "", true),
        closing("Close", kStatus + "Connection: x, Close\r\n" + kLength3 + "\r\n[7]", "[7]", false),
        closing("Http10", "HTTP/1.0 200 OK\r\n" + kLength3 + "\r\n[7]", "[7]", false)),
    [](const auto& each) { return each.param.what; });

INSTANTIATE_TEST_SUITE_P(
    Refused, Answers,
    testing::Values(
        malformed("ConflictingLengths", kStatus + kLength3 + "Content-Length: 4\r\n\r\n[7] "),
        malformed("LengthList", kStatus + "Content-Length: 3, 4\r\n\r\n[7] "),
        malformed("LengthNegative", kStatus + "Content-Length: -1\r\n\r\n"),
        malformed("LengthHex", kStatus + "Content-Length: 0x3\r\n\r\n[7]"),
        malformed("LengthOverflow", kStatus + "Content-Length: 18446744073709551619\r\n\r\n[7]"),
        malformed("LengthAndChunked", kStatus + kLength3 + "Transfer-Encoding: chunked\r\n\r\n"),
        malformed("ChunkedAndLength", kChunked + kLength3 + "\r\n"),
        malformed("OtherCoding", kStatus + "Transfer-Encoding: gzip, chunked\r\n\r\n"),
        malformed("Version2", "HTTP/2.0 200 OK\r\n\r\n"),
        malformed("StatusOfTwoDigits", "HTTP/1.1 20 OK\r\n\r\n"),
        malformed("BlankInName", kStatus + "Content-Length : 3\r\n\r\n[7]"),
        malformed("NulInValue", kStatus + std::string("X: a\0b\r\n", 8) + kLength3 + "\r\n[7]"),
        malformed("SwitchingProtocols", "HTTP/1.1 101 X\r\n\r\n" + kStatus + kLength3 + "\r\n[7]"),
        malformed("EndlessInterim", many("HTTP/1.1 102 X\r\n\r\n", 100)),
        malformed("BadChunkSize", kChunked + "\r\nzz\r\n[7]\r\n"),
        malformed("ChunkWithoutEnd", kChunked + "\r\n3\r\n[7]xx0\r\n\r\n"),
        malformed("HugeChunkSize", kChunked + "\r\nFFFFFFFFFFFFFFFFF\r\n"),
        too_large("LargeLength", kStatus + "Content-Length: 262145\r\n\r\n"),
        too_large("LargeUntilEof", kStatus + "\r\n" + std::string(kMaxBody + 1, 'x')),
        too_large("EndlessChunks",
                  kChunked + "\r\n" + many("400\r\n" + std::string(0x400, 'x') + "\r\n", 300)),
        too_large("EndlessExtension", kChunked + "\r\n1;" + std::string(40000, 'x')),
        too_large("EndlessTrailer", kChunked + "\r\n0\r\n" + many("X: y\r\n", 10000)),
        too_large("EndlessFields", kStatus + many("X: y\r\n", 10000)),
        too_large("EndlessField", kStatus + "X: " + std::string(40000, 'y')),
        too_large("EndlessReason", "HTTP/1.1 200 " + std::string(40000, 'y')),
        cut_off("FinAtOnce", ""), cut_off("FinInHeader", kStatus),
        cut_off("FinInBody", kStatus + kLength3 + "\r\n["),
        cut_off("FinInChunk", kChunked + "\r\n3\r\n["),
        cut_off("FinBeforeLastChunk", kChunked + "\r\n1\r\n[\r\n"),
        cut_off("FinAfterContinue", "HTTP/1.1 100 Continue\r\n\r\n")),
    [](const auto& each) { return each.param.what; });

// What comes with the answer is refused; what comes later is found by Connection::usable().
TEST(ResponseReader, RefusesUnaskedBytes) {
    for (const std::string& bytes :
         {kStatus + "Content-Length: 2\r\n\r\n[7]", "HTTP/1.1 204 X\r\n" + kLength3 + "\r\n[7]",
          kChunked + "\r\n0\r\n\r\n" + kStatus}) {
        ResponseReader reader;
        EXPECT_EQ(reader.feed(bytes), State::failed) << bytes;
        EXPECT_EQ(reader.error(), ErrorKind::malformed);
    }
}

// Byte by byte Beast goes on hoping for a CRLF; it never takes the bare ones for the end of the
// header.
TEST(ResponseReader, NeverEndsAHeaderAtBareLineEndings) {
    for (const char* bytes : {"HTTP/1.1 200 OK\rContent-Length: 3\r\r[7]\r\r",
                              "HTTP/1.1 200 OK\nContent-Length: 3\n\n[7]\n\n"}) {
        for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{4096}}) {
            ResponseReader reader;
            feed(reader, cut_off("", bytes), piece);
            EXPECT_EQ(reader.state(), State::failed) << piece;
        }
    }
}

TEST(ResponseReader, TellsWhatItWaitsFor) {
    ResponseReader reader;
    EXPECT_EQ(reader.phase(), Phase::first_byte);
    reader.feed("HT");
    EXPECT_EQ(reader.phase(), Phase::header);
    reader.feed("TP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[");
    EXPECT_EQ(reader.phase(), Phase::body);
}

// Every two-way cut of one answer with every construct in it.
TEST(ResponseReader, ReadsAnAnswerCutAnywhere) {
    const std::string bytes = "HTTP/1.1 100 Continue\r\nA: b\r\n\r\n" + kChunked +
                              "X: y\r\n\r\n2;e=1\r\n[7\r\n1\r\n]\r\n0\r\nT: u\r\n\r\n";
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
        ResponseReader reader;
        ASSERT_EQ(reader.feed(std::string_view(bytes).substr(0, cut)), State::need_more) << cut;
        ASSERT_EQ(reader.feed(std::string_view(bytes).substr(cut)), State::complete)
            << cut << reader.detail();
        EXPECT_EQ(reader.take_body(), "[7]");
    }
}

}  // namespace
}  // namespace hi6gw::http
