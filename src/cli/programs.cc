#include "src/cli/programs.h"

#include <chrono>
#include <csignal>
#include <filesystem>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/process/run_as.h"
#include "src/topology/files.h"
#include "src/topology/render.h"

namespace tinet::cli {

namespace {

/// Beside the tinet program in the build, in libexec when installed; empty when not there.
std::string refstore_path() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto directory = self.parent_path();
  for (const char* place : {"tinet-refstore", "../libexec/tinet/tinet-refstore"}) {
    const auto path = (directory / place).lexically_normal();
    if (!error && ::access(path.c_str(), X_OK) == 0) {
      return path.string();
    }
  }
  return "";
}

/// What a program prints within the first 4 KiB; empty when it cannot be run.
std::string output_of(const std::string& program, const std::string& flag) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return "";
  }
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(writer.get(), STDOUT_FILENO);
    ::dup2(writer.get(), STDERR_FILENO);
    ::execl(program.c_str(), program.c_str(), flag.c_str(), nullptr);
    ::_exit(127);
  }
  writer.reset();
  std::string output;
  char buffer[4096];
  ssize_t got = 0;
  while (output.size() < sizeof(buffer) &&
         (got = ::read(reader.get(), buffer, sizeof(buffer))) > 0) {
    output.append(buffer, static_cast<std::size_t>(got));
  }
  ::waitpid(child, nullptr, 0);
  return output;
}

}  // namespace

BinarySearch search_for(const UserIds& user, const Context& context) {
  return {.variables = context.environment(),
          .home = user.home,
          .under_sudo = !context.variable("SUDO_UID").empty(),
          .refstore_program = refstore_path()};
}

void ask_versions(Binaries& binaries, const UserIds& user) {
  const RunAs as{.user = user, .limit = std::chrono::seconds(1)};
  for (auto& [component, found] : binaries.by_component) {
    auto& binary = found;  // clang before 16 captures no structured bindings
    if (!binary.version.empty() || !binary.prefix.empty()) {
      continue;
    }
    const std::string flag(version_flag(component));
    if (flag.empty()) {
      continue;
    }
    try {
      const auto result = run_as_user(as, [&] {
        return RunResult{output_of(binary.path, flag), {}};
      });
      binary.version = parse_version_output(result.bytes);
    } catch (const Error&) {
      // A program that hangs or dies at its version flag still may run well; its version stays
      // unknown.
      binary.version.clear();
    }
  }
}

std::vector<ProgramReport> find_programs(const Context& context) {
  const UserIds user = invoking_user();
  const SystemFiles files;
  std::vector<ProgramReport> programs;
  for (const auto& name : builtin_topology_names()) {
    Topology topology = builtin_topology(name);
    StartOptions options;
    options.store = "real";
    for (const auto& component : topology.components) {
      // One at a time, so that a missing program does not hide the others.
      std::map<std::string, int> only;
      for (const auto& other : topology.components) {
        only[other.name] = other.name == component.name ? 1 : 0;
      }
      ProgramReport report{.component = component.name};
      try {
        auto found = find_binaries(topology, options, only, search_for(user, context), files);
        ask_versions(found, user);
        const FoundBinary& binary = found.by_component.at(component.name);
        report.path = binary.path;
        report.version = binary.version;
        report.source = binary.source;
      } catch (const Error& error) {
        report.source = error.kind() == ErrorKind::Unavailable ? "" : error.what();
      }
      programs.push_back(std::move(report));
    }
  }
  return programs;
}

}  // namespace tinet::cli
