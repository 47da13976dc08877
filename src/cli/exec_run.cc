#include "src/cli/exec_run.h"

#include <filesystem>

#include <unistd.h>

#include "src/cli/cluster_access.h"
#include "src/cli/run_cli.h"
#include "src/client/exec_client.h"

namespace tinet::cli {

int exec_in(Context& context, const std::string& target, const std::vector<std::string>& argv) {
  try {
    api::ExecRequest request;
    request.target = target;
    request.argv = argv;
    for (const auto& [name, value] : context.environment()) {
      request.env.push_back(name + "=" + value);
    }
    request.cwd = std::filesystem::current_path().string();
    request.tty = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
    const Interrupt interrupt;
    const ExecOutcome outcome = run_exec(require_cluster(context), request, &interrupt);
    if (outcome.failure) {
      print_error(context, *outcome.failure);
    }
    return outcome.exit_code;
  } catch (const Error& error) {
    print_error(context, error);
    return error.kind() == ErrorKind::Interrupted ? exit_code(error.kind()) : kExecFailed;
  }
}

}  // namespace tinet::cli
