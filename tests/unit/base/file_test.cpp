#include "base/file.h"

#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

namespace hi6gw {
namespace {

using std::filesystem::perms;

TEST(ReadFile, ReturnsTheBytesOrWhatIsWrong) {
    const test::TempDir directory;
    const auto file = directory.file("f", std::string("a\0b", 3));
    EXPECT_EQ(read_file(file, 3, FileKind::regular).value(), std::string("a\0b", 3));
    EXPECT_EQ(read_file(file, 2, FileKind::regular).error().what, "is larger than 2 bytes");
    EXPECT_EQ(read_file(directory.path() / "none", 9, FileKind::regular).error().what,
              "cannot be read: No such file or directory");
    EXPECT_EQ(read_file(directory.path(), 9, FileKind::any).error().what, "is not a file");
    EXPECT_EQ(read_file("/dev/zero", 9, FileKind::regular).error().what, "is not a file");
}

TEST(Exposure, OfASecretThatOthersCanReadComesWithTheRemedy) {
    const test::TempDir directory;
    const auto file = directory.file("f", "secret");
    const bool root = ::geteuid() == 0;  // then the file is root's
    const std::string remedy = root ? "chmod 640 NAME, with the gateway's group" : "chmod 600 NAME";
    for (const auto& [mode, says] : std::vector<std::pair<unsigned, std::string>>{
             {0600, ""},
             {0400, ""},
             {0640, root ? "" : "others can read it (mode 0640): " + remedy},
             {0644, "others can read it (mode 0644): " + remedy},
             {0604, "others can read it (mode 0604): " + remedy},
             {0602, "others can change it (mode 0602): " + remedy},
             {0620, "others can change it (mode 0620): " + remedy}}) {
        std::filesystem::permissions(file, static_cast<perms>(mode));
        EXPECT_EQ(exposure(file, "NAME"), says);
    }
    EXPECT_EQ(exposure(directory.path() / "none", "NAME"), "");
}

}  // namespace
}  // namespace hi6gw
