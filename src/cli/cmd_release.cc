#include <memory>

#include <boost/json.hpp>

#include "src/api/requests.h"
#include "src/base/error.h"
#include "src/cli/cluster_access.h"
#include "src/cli/commands.h"
#include "src/cli/fault_view.h"
#include "src/model/fault.h"

namespace tinet::cli {

namespace {

struct ReleaseOptions {
  std::string id;
  bool drop = false;
};

int run_release(const ReleaseOptions& options, Context& context) {
  if (!parse_fault_id(options.id)) {
    throw_usage("ID: '" + options.id + "' is no fault id",
                "write the id that 'tinet hold' printed, for example 'f1'; 'tinet faults' lists "
                "them");
  }
  const api::ReleaseRequest request{.id = options.id, .drop = options.drop};
  const boost::json::value answer = post(context, "/v1/faults/release", api::to_json(request));
  if (context.globals.json) {
    context.print_json(answer);
  } else {
    context.print(released_text(answer));
  }
  return 0;
}

}  // namespace

void add_release(Command& root, Context& context) {
  auto options = std::make_shared<ReleaseOptions>();
  Command& command = root.add("release", "let go of what 'tinet hold' keeps");
  command.description =
      "The packets that a hold keeps are delivered in their order, and the fault ends.";
  command.required("ID", options->id,
                   {.help = "id of the hold, e.g. f1", .completes = Completes::Fault});
  command.flag("--drop", options->drop, "drop the packets instead of delivering them");
  command.examples = {"tinet release f1", "tinet release f1 --drop"};
  command.action = [options, &context] { return run_release(*options, context); };
}

}  // namespace tinet::cli
