#include <memory>

#include <boost/json.hpp>

#include "src/api/requests.h"
#include "src/cli/cluster_access.h"
#include "src/cli/commands.h"
#include "src/cli/fault_view.h"
#include "src/model/fault.h"

namespace tinet::cli {

namespace {

struct HealOptions {
  std::vector<std::string> what;
  bool kick = false;
  bool require_effect = false;
};

int run_heal(const HealOptions& options, Context& context) {
  api::HealRequest request;
  for (const auto& word : options.what) {
    (parse_fault_id(word) ? request.ids : request.selectors).push_back(word);
  }
  request.kick = options.kick;
  request.require_effect = options.require_effect;
  const boost::json::value answer = post(context, "/v1/heal", api::to_json(request));
  if (context.globals.json) {
    context.print_json(answer);
  } else {
    context.print(healed_text(answer));
  }
  return 0;
}

}  // namespace

void add_heal(Command& root, Context& context) {
  auto options = std::make_shared<HealOptions>();
  Command& command = root.add("heal", "end faults: all, by id, or those that touch instances");
  command.description =
      "Without words every fault ends, pauses too; no process is started. A selector ends every "
      "fault whose target or peers touch it. TCP doubles its pause after every loss, so "
      "connections "
      "may stand still after the heal for as long as they were cut; --kick ends them.";
  command.rest("FAULT|SELECTOR", options->what,
               {.help = "fault ids (f1) or selectors (default: every fault)",
                .completes = Completes::Fault});
  command.flag("--kick", options->kick,
               "end TCP connections of the healed links that still wait to send again, so that "
               "programs connect anew at once");
  command.flag("--require-effect", options->require_effect,
               "status 5 when a healed fault never matched a packet");
  command.examples = {"tinet heal --kick", "tinet heal f1 --require-effect"};
  command.action = [options, &context] { return run_heal(*options, context); };
}

}  // namespace tinet::cli
