#include "src/cli/caller_files.h"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/process/run_as.h"
#include "src/topology/files.h"

namespace tinet::cli {

namespace {

/// Does `work` as the invoking user; in this process where nothing has to be given up for that.
RunResult as_caller(const std::function<RunResult()>& work) {
  UserIds user = invoking_user();
  return user.uid == ::geteuid() ? work() : run_as_user({.user = std::move(user)}, work);
}

}  // namespace

std::string read_callers_file(const std::string& path, const std::string& what) {
  return as_caller([&] { return RunResult{.bytes = read_user_file(path, what)}; }).bytes;
}

Topology load_callers_topology(const std::string& word) {
  return names_topology_file(word) ? parse_topology(read_callers_file(word, "topology"), word)
                                   : builtin_topology(word);
}

UniqueFd create_callers_file(const std::string& path) {
  RunResult created = as_caller([&] {
    RunResult result;
    result.fds.emplace_back(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (const int error = errno; !result.fds.back()) {
      throw_errno(error, "cannot write '" + path + "'");
    }
    return result;
  });
  return std::move(created.fds.at(0));
}

}  // namespace tinet::cli
