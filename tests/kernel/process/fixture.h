#pragma once
/// What the tests of src/process share: a loop, a directory, programs that run to their end.

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "src/base/unique_fd.h"
#include "src/process/child_entry.h"
#include "src/process/pidfd.h"
#include "src/process/sandbox.h"
#include "src/process/spawn.h"
#include "src/process/user.h"

namespace tinet::testing {

inline std::string program(const std::string& name) {
  return TINET_TEST_PROGRAMS "/" + name;
}

inline std::string read_all(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t size = 0; (size = ::read(fd, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(size));
  }
  return text;
}

/// One line, byte by byte: what follows stays in the pipe.
inline std::string read_line(int fd) {
  std::string line;
  for (char c = 0; ::read(fd, &c, 1) == 1 && c != '\n';) {
    line.push_back(c);
  }
  return line;
}

/// Value of "Name:\tvalue" in what prints_status shows.
inline std::string field(const std::string& text, const std::string& name) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + ":")) {
      const auto start = line.find_first_not_of(" \t", name.size() + 1);
      return start == std::string::npos ? "" : line.substr(start);
    }
  }
  return "(missing)";
}

/// /proc/PID/status.
inline std::string status_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The signal is in force once it was sent, but the state shows it a moment later.
inline bool becomes_stopped(pid_t pid) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  std::string state;
  while (state != "T (stopped)" && std::chrono::steady_clock::now() < end) {
    state = field(status_of(pid), "State");
  }
  return state == "T (stopped)";
}

/// A network namespace that lives as long as the descriptor.
inline UniqueFd make_netns() {
  UniqueFd fd;
  std::thread([&fd] {
    if (::unshare(CLONE_NEWNET) == 0) {
      fd = UniqueFd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    }
  }).join();
  return fd;
}

struct Output {
  ExitStatus status;
  std::string text;  ///< stdout and stderr
};

class ProcessTest : public ::testing::Test {
 protected:
  ProcessTest() {
    std::string name = "/tmp/tinet-process-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
    std::filesystem::permissions(dir_, std::filesystem::perms(0755));
    if (::geteuid() == 0) {
      user_ = user_with_ids(65534, 65534);
      EXPECT_EQ(::chown(dir_.c_str(), user_->uid, user_->gid), 0);
    }
  }
  ~ProcessTest() override { std::filesystem::remove_all(dir_); }

  boost::asio::any_io_executor executor() { return context_.get_executor(); }

  /// Spawns with stdout and stderr in `out`.
  Child start(SpawnOptions options, UniqueFd& out) {
    Pipe pipe = open_pipe();
    options.stdout_fd = pipe.write_end.get();
    options.stderr_fd = pipe.write_end.get();
    out = std::move(pipe.read_end);
    return spawn(executor(), options);
  }

  ExitStatus wait(const Child& child) {
    std::optional<ExitStatus> result;
    child.async_wait([&result](boost::system::error_code error, ExitStatus status) {
      EXPECT_FALSE(error);
      result = status;
    });
    run_until([&result] { return result.has_value(); });
    return result.value_or(ExitStatus::exited(255));
  }

  Output run(SpawnOptions options) {
    UniqueFd out;
    const Child child = start(std::move(options), out);
    Output output;
    output.text = read_all(out.get());
    output.status = wait(child);
    return output;
  }

  /// Runs the loop until `done`, at most 20 s.
  template <typename Done>
  void run_until(const Done& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    context_.restart();
    while (!done() && std::chrono::steady_clock::now() < end) {
      if (context_.run_one_for(std::chrono::seconds(5)) == 0) {
        context_.restart();
      }
    }
    EXPECT_TRUE(done());
  }

  /// Kills a sandbox and waits until nothing of it is left.
  void bury(Sandbox& sandbox) {
    bool gone = false;
    sandbox.async_wait_gone([&gone](boost::system::error_code, ExitStatus) { gone = true; });
    sandbox.kill();
    run_until([&gone] { return gone; });
  }

  boost::asio::io_context context_{1};
  std::filesystem::path dir_;
  std::optional<UserIds> user_;  ///< whom instances become; none when this user cannot become one
};

}  // namespace tinet::testing
