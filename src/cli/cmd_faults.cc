#include <memory>

#include <boost/json.hpp>

#include "src/cli/cluster_access.h"
#include "src/cli/commands.h"
#include "src/cli/fault_view.h"
#include "src/cli/profiles.h"

namespace tinet::cli {

namespace {

struct FaultsOptions {
  bool all = false;
  bool profiles = false;
};

int run_faults(const FaultsOptions& options, Context& context) {
  if (options.profiles) {
    if (context.globals.json) {
      context.print_json(profiles_document());
    } else {
      context.print(profiles_text(context.color()));
      context.note("all values are of one direction: the round trip is twice the delay");
    }
    return 0;
  }
  const boost::json::value faults = get(context, options.all ? "/v1/faults?all=1" : "/v1/faults");
  if (context.globals.json) {
    context.print_json(faults);
    return 0;
  }
  const std::string text = faults_text(faults, context.color());
  if (text.empty()) {
    context.note("no fault is active");
  }
  context.print(text);
  return 0;
}

}  // namespace

void add_faults(Command& root, Context& context) {
  auto options = std::make_shared<FaultsOptions>();
  Command& command = root.add("faults", "list the active faults and the packets they met");
  command.flag("-a,--all", options->all, "also those that have ended");
  command.flag("--profiles", options->profiles, "list the networks that --profile knows instead");
  command.exclusives = {{"--all", "--profiles"}};
  command.examples = {"tinet faults", "tinet faults --all --json", "tinet faults --profiles"};
  command.action = [options, &context] { return run_faults(*options, context); };
}

}  // namespace tinet::cli
