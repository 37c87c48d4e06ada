// What may happen to the file and the disk under the journal of events.

#include "event_bench.h"

#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <sstream>

namespace hi6gw::store {
namespace {

std::string content(const std::filesystem::path& path) {
    std::ostringstream out;
    out << std::ifstream(path, std::ios::binary).rdbuf();
    return out.str();
}

void put(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

// Moved aside, and the numbers go on above all that were given.
void expect_new_journal(EventBench& bench) {
    const std::string before = content(bench.file());
    bench.open();
    const auto done = bench.write("r1", 2);
    ASSERT_TRUE(done.written) << done.trouble;
    EXPECT_EQ(content(bench.file().string() + ".aside"), before);
    const auto rows = bench.read("r1");
    EXPECT_EQ(numbers(rows), "1-1763900000000 1763900000001 1763900000002");
    EXPECT_EQ(rows.at(0).body, "journal_lost");
    bench.open();
    bench.write("another", 1);
    EXPECT_EQ(numbers(bench.read("another")), "1-1763900000000 1763900000001")
        << "it may have been in the lost one";
}

TEST(EventFile, ThatIsForeignIsKeptAside) {
    EventBench bench;
    std::filesystem::create_directory(bench.path);
    put(bench.file(),
        "somebody else's file, long enough for a header of SQLite" + std::string(200, '.'));
    expect_new_journal(bench);
}

TEST(EventFile, OfAnotherVersionIsKeptAside) {
    EventBench bench;
    bench.write("r1", 3);
    bench.db.reset();
    std::string bytes = content(bench.file());
    bytes.at(63) = 9;  // user_version, big endian at offset 60
    put(bench.file(), bytes);
    expect_new_journal(bench);
}

TEST(EventFile, ThatIsTornIsKeptAside) {
    for (const std::size_t keep : {std::size_t{0}, std::size_t{50}, std::size_t{4096 * 5 + 100}}) {
        EventBench bench;
        bench.write("r1", 5000);
        bench.db.reset();
        const std::string bytes = content(bench.file());
        ASSERT_GT(bytes.size(), keep);
        put(bench.file(), bytes.substr(0, keep));
        expect_new_journal(bench);
    }
}

TEST(EventFile, WithABadPageInTheMiddleIsKeptAside) {
    EventBench bench;
    bench.write("r1", 5000);
    bench.db.reset();
    std::string bytes = content(bench.file());
    bytes.replace(bytes.size() / 2, 600, std::string(600, '\xff'));
    put(bench.file(), bytes);
    expect_new_journal(bench);
}

TEST(EventFile, WithATornLogLosesNothingThatWasWrittenBefore) {
    EventBench bench;
    bench.write("r1", 3);
    // A copy of the files is what a crash leaves.
    const std::string main = content(bench.file());
    const std::string log = content(bench.file().string() + "-wal");
    ASSERT_FALSE(log.empty());
    bench.write("r1", 3);
    const std::string longer = content(bench.file().string() + "-wal");
    bench.db.reset();
    put(bench.file(), main);
    put(bench.file().string() + "-wal", longer.substr(0, log.size() + 100));
    bench.open();
    EXPECT_EQ(numbers(bench.read("r1")), "1 2 3");
}

TEST(EventFile, ThatIsDeletedMeanwhileIsMadeAnew) {
    EventBench bench;
    bench.write("r1", 5);
    bench.read("r1", 2);
    bench.remove("r1", 1);
    std::filesystem::remove(bench.file());
    const auto done = bench.write("r1", 2);
    ASSERT_TRUE(done.written) << done.trouble;
    EXPECT_EQ(done.lost, 3U);
    const auto rows = bench.read("r1");
    EXPECT_EQ(numbers(rows), "2-5 6 7") << "2 was handed out, and may have arrived";
    EXPECT_EQ(rows.at(0).body, "journal_lost");
    bench.open();
    bench.write("r2", 1);
    EXPECT_EQ(numbers(bench.read("r2")), "1");
}

TEST(EventFile, WhoseLogAloneIsLeftWasAJournal) {
    EventBench bench;
    std::filesystem::create_directory(bench.path);
    put(bench.file().string() + "-wal", "what was written last");
    bench.write("r1", 1);
    EXPECT_EQ(numbers(bench.read("r1")), "1-1763900000000 1763900000001");
}

TEST(EventFile, ThatCannotBeReachedIsTriedAgain) {
    EventBench bench;
    put(bench.path, "a file where the directory should be");
    auto done = bench.write("r1", 1);
    EXPECT_FALSE(done.written);
    EXPECT_NE(done.trouble.find("Not a directory"), std::string::npos) << done.trouble;
    std::filesystem::remove(bench.path);
    std::filesystem::create_directories(bench.file());
    done = bench.write("r1", 1);
    EXPECT_FALSE(done.written);
    EXPECT_NE(done.trouble, "");
    std::filesystem::remove(bench.file());
    EXPECT_TRUE(bench.write("r1", 1).written);
    EXPECT_EQ(numbers(bench.read("r1")), "1") << "a failed turn gives no numbers away";
}

// The size of files is limited for this process: writes beyond it fail as on a full disk.
int fill_up_and_recover() {
    std::signal(SIGXFSZ, SIG_IGN);
    EventBench bench;
    bench.write("r1", 10);
    if (numbers(bench.read("r1", 5)) != "1 2 3 4 5") {
        return 2;
    }
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    const rlimit open = limit;
    limit.rlim_cur = 300'000;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    int written = 10;
    EventDb::Done done;
    // A log that is full is written back into the database, until that is full too.
    for (int failures = 0; failures < 3 && written < 100'000;) {
        done = bench.write("r1", 100);
        failures = done.written ? 0 : failures + 1;
        written += done.written ? 100 : 0;
    }
    if (done.written || done.trouble.empty()) {
        return 3;
    }
    if (numbers(bench.read("r1", 1)) != "6") {
        return 4;  // what is there may leave all the same
    }
    if (written == 10 || bench.write("r1", 100).written) {
        return 5;
    }
    ::setrlimit(RLIMIT_FSIZE, &open);
    done = bench.write("r1", 100);
    if (!done.written || !done.trouble.empty()) {
        return 6;
    }
    bench.open();
    const auto rows = bench.read("r1");
    return follow(rows) == static_cast<std::uint64_t>(written) + 100 ? 0 : 7;
}

TEST(EventFile, OnAFullDiskWaitsUntilThereIsRoom) {
    EXPECT_EXIT(std::_Exit(fill_up_and_recover()), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace hi6gw::store
