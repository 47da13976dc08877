#include "tests/support/run.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <utility>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/base/text.h"

#ifndef TINET_BINARY
#define TINET_BINARY ""
#endif

namespace tinet::test {

namespace {

/// How long the ends of a finished program's pipes may stay open before they count as held: the
/// exit and the end of file come from the same close, so this is only for a child that is just
/// ending.
constexpr std::chrono::milliseconds kPipeGrace{1'000};

std::optional<User> look_up(const passwd* entry) {
  if (entry == nullptr) {
    return std::nullopt;
  }
  return User{entry->pw_uid, entry->pw_gid, entry->pw_name, entry->pw_dir};
}

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Pipe make_pipe() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw_errno(errno, "cannot make a pipe");
  }
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// The environment of the program as NAME=VALUE.
std::vector<std::string> environment_of(const RunOptions& options) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const auto equals = text.find('=');
    variables[text.substr(0, equals)] = equals == std::string::npos ? "" : text.substr(equals + 1);
  }
  if (options.user && options.user->uid != ::geteuid()) {
    std::erase_if(variables, [](const auto& variable) {
      return variable.first == "XDG_RUNTIME_DIR" || variable.first.starts_with("SUDO_");
    });
    variables["HOME"] = options.user->home;
    variables["USER"] = options.user->name;
    variables["LOGNAME"] = options.user->name;
  }
  for (const auto& [name, value] : options.env) {
    variables[name] = value;
  }
  for (const auto& name : options.unset) {
    variables.erase(name);
  }
  std::vector<std::string> environment;
  environment.reserve(variables.size());
  for (const auto& [name, value] : variables) {
    environment.push_back(name + "=" + value);
  }
  return environment;
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (auto& word : words) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

/// What the child needs, all allocated before fork().
struct ChildPlan {
  std::vector<char*> argv;
  std::vector<char*> environment;
  const char* directory = nullptr;
  const User* user = nullptr;  ///< nullptr: stay who we are
  int in = -1;
  int out = -1;
  int err = -1;
  int report = -1;  ///< errno goes here when something fails
};

/// A test binary ignores SIGPIPE, and a framework may block signals; the program starts afresh.
bool reset_signals() {
  sigset_t none;
  ::sigemptyset(&none);
  return ::signal(SIGPIPE, SIG_DFL) != SIG_ERR && ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

/// Between fork and exec: only system calls, no return on success.
void become(const ChildPlan& plan) {
  if (::dup2(plan.in, 0) < 0 || ::dup2(plan.out, 1) < 0 || ::dup2(plan.err, 2) < 0 ||
      ::setpgid(0, 0) != 0 || !reset_signals()) {
    return;
  }
  if (plan.user != nullptr && (::setgroups(0, nullptr) != 0 ||
                               ::setresgid(plan.user->gid, plan.user->gid, plan.user->gid) != 0 ||
                               ::setresuid(plan.user->uid, plan.user->uid, plan.user->uid) != 0)) {
    return;
  }
  // After the change of user, which clears it.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
    return;
  }
  if (plan.directory != nullptr && ::chdir(plan.directory) != 0) {
    return;
  }
  ::execvpe(plan.argv[0], plan.argv.data(), plan.environment.data());
}

/// Forks and executes; waits until the child is the program.
/// @throws Error with the child's errno
pid_t spawn(ChildPlan& plan, Pipe report) {
  plan.report = report.write.get();
  const pid_t pid = ::fork();
  if (pid < 0) {
    throw_errno(errno, "cannot fork");
  }
  if (pid == 0) {
    become(plan);
    const int error = errno;
    static_cast<void>(!::write(plan.report, &error, sizeof error));
    ::_exit(127);
  }
  report.write.reset();
  int error = 0;
  if (::read(report.read.get(), &error, sizeof error) == sizeof error) {
    static_cast<void>(::waitpid(pid, nullptr, 0));
    throw_errno(error, "cannot run '" + std::string(plan.argv[0]) + "'");
  }
  return pid;
}

/// Reads what is there. @return false at the end of file
bool drain(int fd, std::string& to) {
  char buffer[65536];
  const auto count = ::read(fd, buffer, sizeof buffer);
  if (count > 0) {
    to.append(buffer, static_cast<std::size_t>(count));
  }
  return count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN));
}

}  // namespace

User current_user() {
  return look_up(::getpwuid(::geteuid())).value_or(User{::geteuid(), ::getegid(), "", "/"});
}

std::optional<User> ordinary_user() {
  if (::geteuid() != 0) {
    return std::nullopt;
  }
  const char* wanted = std::getenv("TINET_TEST_USER");
  for (const char* name : {wanted, "tinet-test", "nobody"}) {
    if (auto user = name == nullptr ? std::nullopt : look_up(::getpwnam(name))) {
      return user;
    }
  }
  return std::nullopt;
}

std::ostream& operator<<(std::ostream& stream, const RunResult& result) {
  return stream << "exit code " << result.exit_code << (result.timed_out ? ", timed out" : "")
                << (result.output_held ? ", output held open" : "") << " after "
                << result.duration.count() << " ms\n--- stdout\n"
                << result.out << "--- stderr\n"
                << result.err << "---";
}

Program::Program(const std::vector<std::string>& argv, RunOptions options)
    : options_(std::move(options)) {
  TINET_ASSERT(!argv.empty());
  // A program that ends without reading its input must not end the test.
  static_cast<void>(::signal(SIGPIPE, SIG_IGN));
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  auto words = argv;
  auto environment = environment_of(options_);
  ChildPlan plan;
  plan.argv = pointers_to(words);
  plan.environment = pointers_to(environment);
  plan.directory = options_.directory.empty() ? nullptr : options_.directory.c_str();
  plan.user = options_.user && options_.user->uid != ::geteuid() ? &*options_.user : nullptr;
  plan.in = in.read.get();
  plan.out = out.write.get();
  plan.err = err.write.get();
  pid_ = spawn(plan, make_pipe());
  // The raw call: glibc of Debian 12 has the wrapper, older sanitizer runtimes do not intercept it.
  pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (const int error = errno; !pidfd_) {
    throw_errno(error, "cannot open a descriptor of process " + std::to_string(pid_));
  }
  in_ = std::move(in.write);
  out_ = std::move(out.read);
  err_ = std::move(err.read);
  // A program that never reads its input must not block the test.
  static_cast<void>(::fcntl(in_.get(), F_SETFL, O_NONBLOCK));
  if (options_.input.empty()) {
    in_.reset();
  }
}

Program::~Program() {
  static_cast<void>(::kill(-pid_, SIGKILL));
  if (!ended()) {
    static_cast<void>(::kill(pid_, SIGKILL));
    reap(0);
  }
}

void Program::signal(int number) const {
  if (!ended() && ::kill(pid_, number) != 0) {
    throw_errno(errno, "cannot signal process " + std::to_string(pid_));
  }
}

void Program::reap(int flags) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | flags) != 0 || info.si_pid == 0) {
    return;
  }
  result_.exit_code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
  pidfd_.reset();
}

void Program::pump(Clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  pollfd waits[] = {{in_.get(), POLLOUT, 0},
                    {out_.get(), POLLIN, 0},
                    {err_.get(), POLLIN, 0},
                    {pidfd_.get(), POLLIN, 0}};
  if (::poll(waits, std::size(waits), static_cast<int>(std::max<long>(left, 0))) <= 0) {
    return;
  }
  if (waits[0].revents != 0) {
    const auto count = ::write(in_.get(), options_.input.data(), options_.input.size());
    if (count < 0 || static_cast<std::size_t>(count) == options_.input.size()) {
      in_.reset();
    } else {
      options_.input.erase(0, static_cast<std::size_t>(count));
    }
  }
  if (waits[1].revents != 0 && !drain(out_.get(), result_.out)) {
    out_.reset();
  }
  if (waits[2].revents != 0 && !drain(err_.get(), result_.err)) {
    err_.reset();
  }
  if (waits[3].revents != 0) {
    reap(WNOHANG);
  }
}

bool Program::wait_for_output(const std::string& text, std::chrono::milliseconds timeout) {
  const auto until = Clock::now() + timeout;
  while (result_.out.find(text) == std::string::npos) {
    if (!out_ || Clock::now() >= until) {
      return false;
    }
    pump(until);
  }
  return true;
}

RunResult Program::finish() {
  const auto deadline = started_ + options_.timeout;
  while (!ended() && Clock::now() < deadline) {
    pump(deadline);
  }
  if (!ended()) {
    result_.timed_out = true;
    static_cast<void>(::kill(-pid_, SIGKILL));
    reap(0);
  }
  result_.duration = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_);
  const auto grace = Clock::now() + kPipeGrace;
  while ((out_ || err_) && Clock::now() < grace) {
    pump(grace);
  }
  result_.output_held = out_ || err_;
  return std::move(result_);
}

RunResult run(const std::vector<std::string>& argv, RunOptions options) {
  return Program(argv, std::move(options)).finish();
}

std::string tinet_binary() {
  const char* named = std::getenv("TINET_BINARY");
  const std::string path = named != nullptr ? named : TINET_BINARY;
  if (path.empty()) {
    throw_unavailable("no tinet to test", "set TINET_BINARY");
  }
  return std::filesystem::absolute(path).string();
}

RunResult tinet(const std::vector<std::string>& args, RunOptions options) {
  std::vector<std::string> argv = {tinet_binary()};
  argv.insert(argv.end(), args.begin(), args.end());
  return run(argv, std::move(options));
}

}  // namespace tinet::test
