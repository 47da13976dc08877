#include "src/cli/program_run.h"

#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "src/api/requests.h"
#include "src/base/error.h"
#include "src/cli/cluster_access.h"
#include "src/cli/json_view.h"
#include "src/cli/stop_cluster.h"
#include "src/client/client.h"
#include "src/client/signal_pipe.h"
#include "src/process/exit_status.h"

namespace tinet::cli {

namespace {

constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;

/// "pd-0" and "client" give "TINET_PD_0_CLIENT".
std::string variable_name(const std::string& instance, const std::string& service) {
  std::string name = "TINET_" + instance + "_" + service;
  for (char& c : name) {
    const auto byte = static_cast<unsigned char>(c);
    c = std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte)) : '_';
  }
  return name;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (auto& text : texts) {
    result.push_back(text.data());
  }
  result.push_back(nullptr);
  return result;
}

/// Waits for the child and passes signals on; `pipe` has caught them since before the fork.
int wait_for(pid_t child, SignalPipe& pipe) {
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) {
      return ExitStatus::from_wait(status).shell_status();
    }
    if (ended < 0 && errno != EINTR) {
      return kNotFound;
    }
    // SIGCHLD is among the signals, so that the end of the child ends this wait too.
    pollfd waited{pipe.fd(), POLLIN, 0};
    ::poll(&waited, 1, -1);
    while (const auto signal = pipe.take()) {
      if (*signal == SIGTERM || *signal == SIGHUP) {
        ::kill(child, *signal);
      }
    }
  }
}

}  // namespace

std::map<std::string, std::string> program_environment(const Context& context,
                                                       const std::string& tag,
                                                       const boost::json::value& status) {
  auto environment = context.environment();
  environment["TINET_TAG"] = tag;
  for (const auto& instance : array_of(status, "instances")) {
    const auto* services = member_of(instance, "services").if_object();
    if (services == nullptr) {
      continue;
    }
    for (const auto& [key, port] : *services) {
      const std::string service(key);
      const std::string published = text_of(member_of(instance, "published"), service);
      environment[variable_name(text_of(instance, "name"), service)] =
          published.empty() ? text_of(instance, "address") + ":" + boost::json::serialize(port)
                            : published;
    }
  }
  return environment;
}

int run_program(const std::vector<std::string>& command,
                const std::map<std::string, std::string>& environment) {
  std::vector<std::string> words = command;
  std::vector<std::string> variables;
  variables.reserve(environment.size());
  for (const auto& [name, value] : environment) {
    variables.push_back(name + "=" + value);
  }
  std::vector<char*> argv = pointers(words);
  std::vector<char*> envp = pointers(variables);
  SignalPipe signals({SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP});
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (const int error = errno; child < 0) {
    throw_errno(error, "cannot start '" + command.front() + "'");
  }
  if (child == 0) {
    for (const int signal : {SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE}) {
      ::signal(signal, SIG_DFL);
    }
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) {
      ::_exit(kNotFound);
    }
    ::execvpe(argv[0], argv.data(), envp.data());
    const int error = errno;
    constexpr char kText[] = "tinet: error: cannot run the program: ";
    const char* reason = ::strerrordesc_np(error);
    static_cast<void>(!::write(STDERR_FILENO, kText, sizeof(kText) - 1));
    static_cast<void>(!::write(STDERR_FILENO, reason, std::strlen(reason)));
    static_cast<void>(!::write(STDERR_FILENO, "\n", 1));
    ::_exit(error == ENOENT ? kNotFound : kNotExecutable);
  }
  return wait_for(child, signals);
}

StopGuard::StopGuard(Context& context, const boost::json::value& status) {
  int ends[2];
  const int made = ::pipe2(ends, O_CLOEXEC);
  if (const int error = errno; made != 0) {
    throw_errno(error, "cannot make a pipe");
  }
  UniqueFd reader(ends[0]);
  alive_.reset(ends[1]);
  helper_ = ::fork();
  if (const int error = errno; helper_ < 0) {
    throw_errno(error, "cannot start a process");
  }
  if (helper_ == 0) {
    wait_and_stop(std::move(reader), context, number_of(status, "supervisor_pid").value_or(0));
  }
}

void StopGuard::wait_and_stop(UniqueFd reader, const Context& context, std::int64_t supervisor) {
  // A session of its own, so that ^C does not reach it, and none of its parent's descriptors: it
  // may live a little longer, and must not keep open what others see the end of.
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    ::dup2(null, standard);
  }
  constexpr int kReader = STDERR_FILENO + 1;
  ::dup2(reader.get(), kReader);
  ::close_range(kReader + 1, ~0U, 0);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    ::signal(signal, SIG_IGN);
  }
  char byte = 0;
  while (::read(kReader, &byte, 1) < 0 && errno == EINTR) {
  }
  try {
    if (const auto cluster = running_cluster(context)) {
      const Client client = Client::connect(*cluster);
      if (number_of(client.get("/v1/status"), "supervisor_pid") == supervisor) {
        require_all_removed(stop_cluster(client, {}));
      }
    }
  } catch (const Error&) {
    ::_exit(1);
  }
  ::_exit(0);
}

StopGuard::~StopGuard() {
  if (helper_ > 0) {
    alive_.reset();
    ::waitpid(helper_, nullptr, 0);
  }
}

void StopGuard::stop_now() {
  alive_.reset();
  int status = 0;
  ::waitpid(helper_, &status, 0);
  helper_ = -1;
  if (!ExitStatus::from_wait(status).success()) {
    throw_operation("cannot stop the cluster after the program's end",
                    "'tinet status' shows what is left, 'tinet stop' tries again");
  }
}

}  // namespace tinet::cli
