// The control socket of a running cluster: whose it is, and what clients cannot do to it.

#include <filesystem>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/people.h"
#include "tests/e2e/process_facts.h"
#include "tests/support/unix_wire.h"

namespace tinet::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct stat attributes_of(const std::string& path) {
  struct stat attributes {};
  EXPECT_EQ(::lstat(path.c_str(), &attributes), 0) << path;
  return attributes;
}

void expect_private(const Scene& scene, uid_t user, uid_t supervisors_user) {
  const auto status = scene.json({"status"});
  const auto socket = attributes_of(text_at(status, "/control_socket"));
  EXPECT_EQ(socket.st_mode, S_IFSOCK | 0600U);
  EXPECT_EQ(socket.st_uid, user);
  const std::string state = text_at(status, "/state_dir");
  const auto directory = attributes_of(state);
  EXPECT_EQ(directory.st_uid, supervisors_user);
  EXPECT_EQ(directory.st_mode & 0022U, 0U) << "others can put files there";
  EXPECT_EQ(attributes_of(fs::path(state).parent_path()).st_uid, supervisors_user);
  EXPECT_EQ(attributes_of(fs::path(state).parent_path()).st_mode & 0022U, 0U);
  for (const auto& entry : fs::directory_iterator(state)) {
    const auto file = attributes_of(entry.path());
    const unsigned forbidden = S_ISREG(file.st_mode) ? 0027U : 0022U;
    EXPECT_TRUE(S_ISLNK(file.st_mode) || (file.st_mode & forbidden) == 0U) << entry.path();
  }
}

TEST(ControlSocket, AndItsDirectoryHaveTheModesThatKeepOthersOut) {
  const Scene scene;
  ASSERT_TRUE(scene.start());
  expect_private(scene, ::geteuid(), ::geteuid());
}

TEST(ControlSocket, OfAClusterBySudoIsTheUsersInADirectoryOfRoot) {
  TINET_SKIP_UNLESS(is_root(), kNeedsRoot);
  const auto user = ordinary_user_with_home();
  TINET_NEED(user, kNeedsUser);
  const Scene scene(*user);
  const auto started = scene.tinet(scene.start_words(), sudo_options(scene, *user));
  ASSERT_TRUE(started.ok()) << started;
  expect_private(scene, user->uid, 0);
  const std::string state = text_at(scene.json({"status"}), "/state_dir");
  for (const char* name : {"/planted", "/netns/planted"}) {
    const std::string path = state + name;
    EXPECT_EQ(errno_as(*user, [&] { return ::symlink("/etc/passwd", path.c_str()); }), EACCES);
  }
  for (const char* name : {"/state.json", "/lock", "/control.sock", "/netns/switch"}) {
    const std::string path = state + name;
    EXPECT_EQ(errno_as(*user, [&] { return ::unlink(path.c_str()); }), EACCES);
  }
}

TEST(ControlSocket, KeepsLittleOfWhatIsTooLargeAndServesOthers) {
  const Scene scene;
  ASSERT_TRUE(scene.start());
  const pid_t supervisor = supervisor_of(scene);
  const std::string socket = text_at(scene.json({"status"}), "/control_socket");
  const long before = peak_memory_kib(supervisor);
  ASSERT_GT(before, 0);
  const std::string megabytes(4U << 20U, 'x');
  for (int i = 0; i < 10; ++i) {
    for (const std::string& head :
         {std::string("POST /v1/heal HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"),
          std::string("POST /v1/heal HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n400000\r\n"),
          std::string("GET / HTTP/1.1\r\nX: ")}) {
      Wire wire(socket);
      wire.send(head + megabytes);
      EXPECT_THAT(wire.read_all(), StartsWith("HTTP/1.1 413 "));
    }
  }
  std::vector<std::unique_ptr<Wire>> ahead;
  for (int i = 0; i < 20; ++i) {
    // A request that takes its time, and far more behind it than the server may keep.
    ahead.push_back(std::make_unique<Wire>(socket));
    ahead.back()->send("GET /v1/events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n" +
                       std::string(100'000, 'x'));
  }
  EXPECT_TRUE(scene.tinet({"status"}).ok());
  EXPECT_LT(peak_memory_kib(supervisor) - before, 16 << 10);
}

TEST(ControlSocket, LetsSlowClientsGoAndServesOthersMeanwhile) {
  const Scene scene;
  ASSERT_TRUE(scene.start());
  const std::string socket = text_at(scene.json({"status"}), "/control_socket");
  std::vector<std::unique_ptr<Wire>> slow;
  for (int i = 0; i < 200; ++i) {
    slow.push_back(std::make_unique<Wire>(socket));
    slow.back()->send(i % 2 == 0 ? "GET /v1/status HTTP/1.1\r\nHos"
                                 : "POST /v1/heal HTTP/1.1\r\nContent-Length: 9\r\n\r\n{");
  }
  const RunResult meanwhile = scene.tinet({"partition", "node-0"});
  EXPECT_TRUE(meanwhile.ok()) << meanwhile;
  for (const auto& wire : slow) {
    EXPECT_THAT(wire->read_all(), StartsWith("HTTP/1.1 408 "));
  }
  EXPECT_TRUE(scene.tinet({"heal"}).ok());
}

}  // namespace
}  // namespace tinet::test
