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
  bool require_effect = false;
};

int run_heal(const HealOptions& options, Context& context) {
  api::HealRequest request;
  for (const auto& word : options.what) {
    (parse_fault_id(word) ? request.ids : request.selectors).push_back(word);
  }
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
      "fault whose target or peers touch it.";
  command.rest("FAULT|SELECTOR", options->what,
               {.help = "fault ids (f1) or selectors (default: every fault)",
                .completes = Completes::Fault});
  command.flag("--require-effect", options->require_effect,
               "status 5 when a healed fault never matched a packet");
  command.examples = {"tinet heal", "tinet heal f1 --require-effect"};
  command.action = [options, &context] { return run_heal(*options, context); };
}

}  // namespace tinet::cli
