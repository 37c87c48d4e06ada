// The journal of pulses on a real disk, and the lock of its directory.

#include "store/pulse_file.h"
#include "store/state_dir.h"
#include "support/temp_dir.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

namespace hi6gw::store {
namespace {

using command::OpenPulse;

std::string content(const std::filesystem::path& path) {
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
}

OpenPulse pulse(std::uint64_t number, const char* address = "fb2.do3") {
    return {number, "r1", hi6::parse_address(address, hi6::IndexUnit::byte).value(), 0};
}

class PulseFileTest : public testing::Test {
  protected:
    PulseFileTest() { open(); }
    void open() {
        file.reset();
        worker = std::make_unique<Worker>();
        file = std::make_unique<PulseFile>(io.get_executor(), *time, *worker,
                                           std::make_shared<StateDir>(path));
    }
    void close() {
        file.reset();
        worker.reset();  // waits for what is posted
    }
    bool begin(const OpenPulse& what) {
        std::optional<bool> written;
        boost::asio::co_spawn(io, file->begin(what), [&](const std::exception_ptr& error, bool ok) {
            EXPECT_FALSE(error);
            written = ok;
        });
        io.restart();
        while (!written && io.run_one_for(std::chrono::seconds(10)) > 0) {
        }
        EXPECT_TRUE(written.has_value());
        return written.value_or(false);
    }
    [[nodiscard]] std::filesystem::path journal() const { return path / "pulses"; }

    test::TempDir directory;
    std::filesystem::path path = directory.path() / "state";
    boost::asio::io_context io{1};
    std::unique_ptr<Time> time = make_real_time(io.get_executor());
    std::unique_ptr<Worker> worker;
    std::unique_ptr<PulseFile> file;
};

TEST_F(PulseFileTest, TheNextRunFindsWhatWasBegunAndNotEnded) {
    EXPECT_TRUE(file->open_pulses().empty());
    const std::uint64_t first = file->next_number();
    const std::uint64_t second = file->next_number();
    EXPECT_TRUE(begin(pulse(first, "fb2.do3")));
    EXPECT_TRUE(begin(pulse(second, "fb2.do4")));
    file->end(first);
    close();
    open();
    ASSERT_EQ(file->open_pulses().size(), 1U);
    EXPECT_EQ(file->open_pulses()[0], pulse(second, "fb2.do4"));
    EXPECT_GT(file->next_number(), second);
}

TEST_F(PulseFileTest, ANumberIsNeverGivenTwice) {
    const std::uint64_t number = file->next_number();
    EXPECT_TRUE(begin(pulse(number)));
    file->end(number);
    close();
    open();
    EXPECT_TRUE(file->open_pulses().empty());
    EXPECT_GT(file->next_number(), number);
}

TEST_F(PulseFileTest, IsOnTheDiskWhenBeginSaysSo) {
    close();
    // A process of its own, so that nothing is flushed for it at its end.
    const pid_t child = ::fork();
    if (child == 0) {
        open();
        const bool written = begin(pulse(file->next_number()));
        ::kill(::getpid(), written ? SIGKILL : SIGABRT);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    ASSERT_EQ(WTERMSIG(status), SIGKILL);
    open();
    EXPECT_EQ(file->open_pulses().size(), 1U);
}

TEST_F(PulseFileTest, ATornLastLineIsSkipped) {
    EXPECT_TRUE(begin(pulse(1)));
    close();
    std::ofstream(journal(), std::ios::app) << command::begin_line(pulse(2)).substr(0, 12);
    open();
    EXPECT_EQ(file->open_pulses().size(), 1U);
    EXPECT_TRUE(begin(pulse(3, "fb2.do5"))) << "and what follows is not glued to it";
    close();
    open();
    EXPECT_EQ(file->open_pulses().size(), 2U);
}

TEST_F(PulseFileTest, AForeignFileIsKeptAside) {
    close();
    std::filesystem::create_directory(path);
    std::ofstream(journal()) << "somebody else's\nfile\n" << command::begin_line(pulse(7));
    const std::string foreign = content(journal());
    open();
    EXPECT_EQ(file->open_pulses().size(), 1U) << "what is understood counts";
    EXPECT_TRUE(begin(pulse(file->next_number(), "fb2.do4")));
    close();
    EXPECT_EQ(content(journal().string() + ".aside"), foreign);
    open();
    EXPECT_EQ(file->open_pulses().size(), 2U);
}

TEST_F(PulseFileTest, AForeignFileThatCannotBeKeptIsNotReplaced) {
    close();
    std::filesystem::create_directories(path / "pulses.aside" / "in the way");
    std::ofstream(journal()) << "somebody else's\n";
    open();
    EXPECT_FALSE(begin(pulse(1)));
    EXPECT_EQ(content(journal()), "somebody else's\n");
    std::filesystem::remove_all(path / "pulses.aside");
    EXPECT_TRUE(begin(pulse(2)));
    EXPECT_EQ(content(path / "pulses.aside"), "somebody else's\n");
}

TEST_F(PulseFileTest, ADiskThatTakesNothingRefusesPulsesAndRecovers) {
    std::ofstream(path) << "a file where the directory should be";
    EXPECT_FALSE(begin(pulse(1)));
    EXPECT_FALSE(file->working());
    file->end(1);
    std::filesystem::remove(path);
    EXPECT_TRUE(begin(pulse(2)));
    EXPECT_TRUE(file->working());
    close();
    open();
    ASSERT_EQ(file->open_pulses().size(), 1U);
    EXPECT_EQ(file->open_pulses()[0].number, 2U);
}

TEST_F(PulseFileTest, AFullDiskRefusesPulses) {
    close();
    std::filesystem::create_directory(path);
    std::filesystem::create_symlink("/dev/full", path / "pulses.new");
    open();
    EXPECT_FALSE(begin(pulse(1)));
    std::filesystem::remove(path / "pulses.new");
    EXPECT_TRUE(begin(pulse(2)));
}

TEST_F(PulseFileTest, StaysSmall) {
    EXPECT_TRUE(begin(pulse(file->next_number(), "fb2.do9")));
    int written = 0;
    const auto end = Steady::now() + std::chrono::seconds(60);
    while (written < 1500 && Steady::now() < end) {
        const std::uint64_t number = file->next_number();
        written += begin(pulse(number)) ? 1 : 0;  // none while a busy disk is slow
        file->end(number);
    }
    EXPECT_EQ(written, 1500) << "or the file had no cause to grow";
    close();
    EXPECT_LE(std::filesystem::file_size(journal()), PulseFile::kCompactAt + 1024);
    open();
    ASSERT_EQ(file->open_pulses().size(), 1U);
    EXPECT_EQ(file->open_pulses()[0].address, pulse(1, "fb2.do9").address);
}

TEST_F(PulseFileTest, ABeginMayBeCancelled) {
    boost::asio::cancellation_signal cancel;
    std::exception_ptr ended;
    boost::asio::co_spawn(io, file->begin(pulse(1)),
                          boost::asio::bind_cancellation_slot(
                              cancel.slot(), [&](std::exception_ptr error, bool /*written*/) {
                                  ended = std::move(error);
                              }));
    io.restart();
    io.poll();
    cancel.emit(boost::asio::cancellation_type::terminal);
    io.poll();
    EXPECT_TRUE(ended != nullptr);
    file->end(1);
    EXPECT_TRUE(begin(pulse(2)));
    close();
    open();
    ASSERT_EQ(file->open_pulses().size(), 1U);
    EXPECT_EQ(file->open_pulses()[0].number, 2U);
}

TEST(StateDir, HasOneOwnerAtATime) {
    const test::TempDir directory;
    const auto path = directory.path() / "deep" / "state";
    auto first = std::make_unique<StateDir>(path);
    EXPECT_TRUE(first->acquire());
    EXPECT_TRUE(first->acquire()) << "again is no harm";
    StateDir second(path);
    const auto refused = second.acquire();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().trouble, StateDir::Trouble::in_use);
    EXPECT_NE(refused.error().what.find(std::to_string(::getpid())), std::string::npos);
    EXPECT_NE(refused.error().what.find(path.string()), std::string::npos);
    first.reset();
    EXPECT_TRUE(second.acquire());
}

TEST(StateDir, SaysWhyItCannotBeUsed) {
    const test::TempDir directory;
    const auto file = directory.file("plain", "");
    StateDir state(file / "state");
    const auto refused = state.acquire();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().trouble, StateDir::Trouble::unusable);
    EXPECT_NE(refused.error().what.find("Not a directory"), std::string::npos);
}

}  // namespace
}  // namespace hi6gw::store
