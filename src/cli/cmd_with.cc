#include <memory>
#include <optional>

#include <boost/json.hpp>

#include "src/api/requests.h"
#include "src/base/error.h"
#include "src/cli/cluster_access.h"
#include "src/cli/cluster_start.h"
#include "src/cli/commands.h"
#include "src/cli/program_run.h"
#include "src/cli/start_flags.h"

namespace tinet::cli {

namespace {

int run_with(const StartFlags& flags, Context& context) {
  if (context.command.empty()) {
    throw_usage("'tinet with' needs a program", "write 'tinet with [flags] -- PROGRAM [ARGS ...]'");
  }
  const StartPlan start = make_start_plan(flags, context);
  if (flags.dry_run) {
    print_plan(start, context);
    return 0;
  }
  std::optional<StopGuard> guard;
  const boost::json::value status = start_cluster(
      start, context, [&](const boost::json::value& ready) { guard.emplace(context, ready); });
  const int result =
      run_program(context.command, program_environment(context, start.plan.tag, status));
  guard->stop_now();
  return result;
}

}  // namespace

void add_with(Command& root, Context& context) {
  auto flags = std::make_shared<StartFlags>();
  Command& command =
      root.add("with", "start a cluster, run a program on the host, stop the cluster");
  command.description =
      "The program sees TINET_TAG and, for every service of every instance, "
      "TINET_<INSTANCE>_<SERVICE>=host:port in its environment (for a published one the address on "
      "127.0.0.1). Its status is returned; the cluster is stopped on every exit.";
  add_start_flags(command, *flags);
  command.takes_program = true;
  command.examples = {"sudo tinet with --tikv 3 -- go test ./...",
                      "tinet with etcd -T ci -- sh -c 'echo $TINET_ETCD_0_CLIENT'"};
  command.action = [flags, &context] { return run_with(*flags, context); };
}

}  // namespace tinet::cli
