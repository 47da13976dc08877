#include <memory>
#include <optional>

#include <boost/json.hpp>

#include "src/cli/cluster_start.h"
#include "src/cli/commands.h"
#include "src/cli/foreground.h"
#include "src/cli/program_run.h"
#include "src/cli/start_flags.h"

namespace tinet::cli {

namespace {

struct StartCommand {
  StartFlags flags;
  bool foreground = false;
};

int run_start(const StartCommand& options, Context& context) {
  const StartPlan start = make_start_plan(options.flags, context);
  if (options.flags.dry_run) {
    print_plan(start, context);
    return 0;
  }
  // In the foreground the cluster ends with this process, also when that is killed.
  std::optional<StopGuard> guard;
  const boost::json::value status =
      start_cluster(start, context, [&](const boost::json::value& ready) {
        if (options.foreground) {
          guard.emplace(context, ready);
        }
      });
  if (context.globals.json) {
    context.print_json(status);
  } else {
    context.print(started_text(start.plan, status, context));
  }
  return options.foreground ? stay_in_foreground(context) : 0;
}

}  // namespace

void add_start(Command& root, Context& context) {
  auto options = std::make_shared<StartCommand>();
  Command& command = root.add("start", "start a cluster and wait until it is ready");
  command.description =
      "X in the flags below is a component of the topology. Instances run as you, also under sudo. "
      "When the command returns, the cluster is ready and goes on until 'tinet stop'.";
  add_start_flags(command, options->flags);
  command.flag("--foreground", options->foreground, "stay, show the events, stop at ^C");
  command.examples = {"sudo tinet start --tikv 3", "tinet start etcd --network rootless -T second"};
  command.action = [options, &context] { return run_start(*options, context); };
}

}  // namespace tinet::cli
