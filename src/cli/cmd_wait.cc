#include <memory>

#include <boost/json.hpp>

#include "src/api/requests.h"
#include "src/cli/cluster_access.h"
#include "src/cli/commands.h"
#include "src/cli/json_view.h"
#include "src/cli/words.h"

namespace tinet::cli {

namespace {

struct WaitOptions {
  std::string selector;
  bool ready = false;
  std::string role;
  std::string changed;
  std::string fault_ended;
  std::string timeout = "60s";
};

int run_wait(const WaitOptions& options, Context& context) {
  api::WaitRequest request;
  request.selector = options.selector.empty() ? "all" : options.selector;
  request.role = options.role;
  request.changed = options.changed;
  request.fault_ended = options.fault_ended;
  request.ready = options.role.empty() && options.changed.empty() && options.fault_ended.empty();
  request.timeout_ms = required_ms(options.timeout, "--timeout");
  const boost::json::value answer = post(context, "/v1/wait", api::to_json(request));
  if (context.globals.json) {
    context.print_json(member_of(answer, "status"));
  } else {
    context.note(text_of(answer, "text"));
  }
  return 0;
}

}  // namespace

void add_wait(Command& root, Context& context) {
  auto options = std::make_shared<WaitOptions>();
  Command& command = root.add("wait", "wait until instances are ready, or for another change");
  command.positional("SELECTOR", options->selector,
                     {.help = "whom to wait for (default all)", .completes = Completes::Instance});
  command.flag("--ready", options->ready, "until they are ready; this is the default");
  command.option("--role", options->role,
                 {.value = "ROLE", .help = "until one of them holds the role, e.g. pd-leader"});
  command.option("--changed", options->changed,
                 {.value = "ROLE", .help = "until another instance than now holds the role"});
  command.option(
      "--fault-ended", options->fault_ended,
      {.value = "ID", .help = "until the fault has ended", .completes = Completes::Fault});
  command.option("--timeout", options->timeout,
                 {.value = "DUR", .help = "give up with status 1 after this long (default 60s)"});
  command.exclusives = {{"--ready", "--role", "--changed", "--fault-ended"}};
  command.examples = {"tinet wait tikv --ready --timeout 2m", "tinet wait --changed pd-leader"};
  command.action = [options, &context] { return run_wait(*options, context); };
}

}  // namespace tinet::cli
