#include "src/supervisor/exec_session.h"

#include <cerrno>
#include <csignal>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include "src/base/scope_exit.h"
#include "src/base/text.h"
#include "src/process/spawn.h"

namespace tinet {

namespace asio = boost::asio;

namespace {

constexpr const char* kClient = "client";
/// tinet failed before the command could.
constexpr int kOwnFailure = 125;
constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

std::string value_of(const std::vector<std::string>& env, std::string_view name) {
  const std::string prefix = std::string(name) + "=";
  for (const auto& entry : env) {
    if (entry.rfind(prefix, 0) == 0) {
      return entry.substr(prefix.size());
    }
  }
  return "";
}

/// Where to look for a program, in order; the program itself when it is a path.
std::vector<std::string> candidates(const std::string& program,
                                    const std::vector<std::string>& env) {
  if (program.find('/') != std::string::npos) {
    return {program};
  }
  std::string path = value_of(env, "PATH");
  if (path.empty()) {
    path = kDefaultPath;
  }
  std::vector<std::string> found;
  for (const auto& directory : split(path, ':')) {
    found.push_back((directory.empty() ? "." : directory) + "/" + program);
  }
  return found;
}

bool leaves_hope(const SpawnError& error) noexcept {
  const int number = error.error_number();
  return error.step() == SpawnStep::Exec &&
         (number == ENOENT || number == ENOTDIR || number == EACCES);
}

/// execvp(3) by trial, as the target user in the final namespaces: nobody else can tell what he may
/// execute there.
Child spawn_by_name(const asio::any_io_executor& executor, SpawnOptions options,
                    const std::string& name) {
  std::optional<SpawnError> denied;
  for (auto& program : candidates(name, options.env)) {
    options.program = std::move(program);
    try {
      return spawn(executor, options);
    } catch (const SpawnError& error) {
      if (!leaves_hope(error) || name.find('/') != std::string::npos) {
        throw;
      }
      if (error.error_number() == EACCES) {
        denied = error;
      }
    }
  }
  if (denied) {
    throw SpawnError(*denied);
  }
  throw SpawnError(SpawnStep::Exec, ENOENT, ErrorKind::Unavailable,
                   "cannot find program '" + name + "' in PATH", "give its path");
}

api::ExecRequest parse(const Request& request) {
  auto words = api::parse_request<api::ExecRequest>(request.body);
  if (words.argv.empty() || words.argv.front().empty()) {
    throw_usage("no command was given");
  }
  const std::size_t expected = words.tty ? 1 : 3;
  if (request.fds.size() != expected) {
    throw_usage("exec needs " + std::to_string(expected) + " descriptors, got " +
                std::to_string(request.fds.size()));
  }
  return words;
}

SpawnOptions spawn_options(const api::ExecRequest& words, const Request& request,
                           const ExecPlace& place) {
  SpawnOptions options;
  options.argv0 = words.argv.front();
  options.args.assign(words.argv.begin() + 1, words.argv.end());
  options.user = place.user;
  if (words.target == kClient) {
    options.env = words.env;
    options.cwd = words.cwd.empty() ? "/" : words.cwd;
  } else {
    options.env = place.env;
    options.cwd = place.cwd;
    if (const auto terminal = value_of(words.env, "TERM"); !terminal.empty()) {
      std::erase_if(options.env, [](const auto& entry) { return entry.rfind("TERM=", 0) == 0; });
      options.env.push_back("TERM=" + terminal);
    }
  }
  if (words.tty) {
    options.pty_slave_fd = request.fds[0].get();
  } else {
    options.stdin_fd = request.fds[0].get();
    options.stdout_fd = request.fds[1].get();
    options.stderr_fd = request.fds[2].get();
  }
  return options;
}

Response failure(const Error& error, int exec_code) {
  Response response = error_response(error);
  response.document.as_object()["exec_code"] = exec_code;
  return response;
}

}  // namespace

/// One command and what it runs in.
struct ExecSessions::Session {
  Sandbox sandbox;
  std::optional<Child> child{};

  void kill() noexcept { sandbox.kill(); }
};

ExecSessions::ExecSessions(const asio::any_io_executor& executor, ExecHost& host)
    : executor_(executor), host_(host) {}

ExecSessions::~ExecSessions() {
  kill_all();
}

asio::awaitable<Response> ExecSessions::run(Request request) {
  Response response;
  try {
    auto words = parse(request);
    const int code = co_await run_command(std::move(words), std::move(request));
    response.document = {{"exit_code", code}};
  } catch (const SpawnError& error) {
    response = failure(error, error.shell_status());
  } catch (const Error& error) {
    response = failure(error, kOwnFailure);
  }
  co_return response;
}

asio::awaitable<int> ExecSessions::run_command(api::ExecRequest words, Request request) {
  ExecPlace place = host_.exec_place(words.target);
  place.sandbox.owner = place.user ? &*place.user : nullptr;
  const auto session =
      std::make_shared<Session>(Session{.sandbox = Sandbox::create(executor_, place.sandbox)});
  SpawnOptions options = spawn_options(words, request, place);
  options.sandbox = &session->sandbox;
  place.admit([&] {
    session->child.emplace(spawn_by_name(executor_, std::move(options), words.argv.front()));
    return session->child->pid();
  });
  // The caller sees the end of the output when the command has closed it, not when we have.
  request.fds.clear();

  const auto peer = request.peer;
  const auto sessions = sessions_;
  sessions->insert(session);
  peer->on_close([session] { session->kill(); });
  const ScopeExit forget([&] {
    peer->on_close({});
    sessions->erase(session);
  });
  boost::system::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  const ExitStatus status = co_await session->child->async_wait(token);
  // What the command left in the background ends with it.
  session->kill();
  co_await session->sandbox.async_wait_gone(token);
  co_return status.shell_status();
}

void ExecSessions::kill_all() noexcept {
  for (const auto& session : *sessions_) {
    session->kill();
  }
}

}  // namespace tinet
