/// Main of the tests that change a kernel's network: gives the process a network namespace of its
/// own (and a user namespace unless it is root) before any thread exists, so that the host is never
/// touched. Where that is impossible the tests are skipped loudly, or fail when
/// TINET_REQUIRE_KERNEL is 1.

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace {

bool write_file(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  return ::close(fd) == 0 && written;
}

// Name of the step that failed, with errno set; nullptr when the world is ready.
const char* enter_scratch_world() {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  if (uid == 0 && ::unshare(CLONE_NEWNET) == 0) {
    return nullptr;
  }
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return "unshare";
  }
  if (!write_file("/proc/self/setgroups", "deny")) {
    return "write setgroups";
  }
  if (!write_file("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1")) {
    return "write uid_map";
  }
  if (!write_file("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1")) {
    return "write gid_map";
  }
  return nullptr;
}

// A network of a thousand namespaces is a few descriptors each; the soft limit is often 1024.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
  }
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (::testing::GTEST_FLAG(list_tests)) {
    return RUN_ALL_TESTS();
  }
  if (const char* step = enter_scratch_world(); step != nullptr) {
    const int error = errno;
    const char* required = std::getenv("TINET_REQUIRE_KERNEL");
    const bool must_run = required != nullptr && std::strcmp(required, "1") == 0;
    std::printf("[  %s ] no scratch network namespace: %s: %s\n", must_run ? "FAILED " : "SKIPPED",
                step, std::strerror(error));
    return must_run ? 1 : 0;
  }
  raise_descriptor_limit();
  return RUN_ALL_TESTS();
}
