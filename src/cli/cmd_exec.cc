#include <memory>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/cli/commands.h"
#include "src/cli/exec_run.h"

namespace tinet::cli {

namespace {

struct ExecOptions {
  std::string instance;
  std::vector<std::string> stray;
};

int run_exec_command(const ExecOptions& options, Context& context) {
  if (context.command.empty()) {
    const std::string program = options.stray.empty() ? "PROGRAM" : join(options.stray, " ");
    throw_usage("'tinet exec' needs '--' before the program",
                "write 'tinet exec " + options.instance + " -- " + program + "'");
  }
  if (!options.stray.empty()) {
    throw_usage("unexpected word '" + options.stray.front() + "' for 'tinet exec'",
                "the program stands behind '--'");
  }
  return exec_in(context, options.instance, context.command);
}

}  // namespace

void add_exec(Command& root, Context& context) {
  auto options = std::make_shared<ExecOptions>();
  Command& command = root.add("exec", "run a program in the network and place of an instance");
  command.description =
      "The program runs as you with the instance's network, mounts and processes; 'client' is a "
      "place of its own beside the instances, with your directory and environment. Returns the "
      "program's status; 125 when tinet fails, 126 and 127 when the program cannot be run or "
      "found.";
  command.required("INSTANCE", options->instance,
                   {.help = "name, or 'client'", .completes = Completes::Instance});
  // Only there to be refused with a useful hint when "--" is forgotten.
  command.rest("WORDS", options->stray, {});
  command.takes_program = true;
  command.examples = {"tinet exec tikv-0 -- ss -tn",
                      "tinet exec client -- mysql -h 198.18.0.15 -P 4000 -u root"};
  command.action = [options, &context] { return run_exec_command(*options, context); };
}

}  // namespace tinet::cli
