#include <memory>

#include "src/cli/commands.h"
#include "src/cli/exec_run.h"

namespace tinet::cli {

namespace {

struct ShellOptions {
  std::string instance;
};

int run_shell(const ShellOptions& options, Context& context) {
  const std::string shell = context.variable("SHELL");
  return exec_in(context, options.instance, {shell.empty() ? "/bin/sh" : shell});
}

}  // namespace

void add_shell(Command& root, Context& context) {
  auto options = std::make_shared<ShellOptions>();
  Command& command = root.add("shell", "open a shell in the place of an instance");
  command.description = "Runs $SHELL, or /bin/sh, as 'tinet exec' would.";
  command.required("INSTANCE", options->instance,
                   {.help = "name, or 'client'", .completes = Completes::Instance});
  command.examples = {"tinet shell tikv-0", "tinet shell client"};
  command.action = [options, &context] { return run_shell(*options, context); };
}

}  // namespace tinet::cli
