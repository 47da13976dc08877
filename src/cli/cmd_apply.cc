// apply and diff: the active faults shall be those of a file.

#include <memory>

#include <boost/json.hpp>

#include "src/api/requests.h"
#include "src/cli/cluster_access.h"
#include "src/cli/commands.h"
#include "src/cli/fault_view.h"
#include "src/cli/faults_file.h"

namespace tinet::cli {

namespace {

struct ApplyOptions {
  std::string file;
  bool dry_run = false;
  bool show_transaction = true;
};

int run_apply(const ApplyOptions& options, Context& context) {
  const api::ApplyRequest request{.faults = read_faults_file(options.file),
                                  .dry_run = options.dry_run};
  const boost::json::value answer = post(context, "/v1/faults/apply", api::to_json(request));
  if (context.globals.json) {
    context.print_json(answer);
  } else {
    context.print(converged_text(answer, options.dry_run, context.color()));
    if (options.dry_run && options.show_transaction) {
      context.print(transaction_text(answer));
    }
  }
  return 0;
}

ValueText file_text() {
  return {.help = "YAML list of faults; what it may hold is in examples/faults.yaml",
          .completes = Completes::File};
}

void add_apply_verb(Command& root, Context& context) {
  auto options = std::make_shared<ApplyOptions>();
  Command& command = root.add("apply", "make the active faults those of a file");
  command.description =
      "Faults that the file asks for and that are active stay as they are, the other active ones "
      "are healed, and those that are missing are made, all in one change. An empty list, '[]', "
      "heals every fault of the network. Paused instances are left alone.";
  command.required("FILE", options->file, file_text());
  command.flag("--dry-run", options->dry_run,
               "show what would change and the transaction, change nothing");
  command.examples = {"tinet apply faults.yaml", "tinet apply faults.yaml --dry-run"};
  command.action = [options, &context] { return run_apply(*options, context); };
}

void add_diff(Command& root, Context& context) {
  auto options = std::make_shared<ApplyOptions>();
  options->dry_run = true;
  options->show_transaction = false;
  Command& command = root.add("diff", "show what 'tinet apply' would change");
  command.required("FILE", options->file, file_text());
  command.examples = {"tinet diff faults.yaml", "tinet diff faults.yaml --json"};
  command.action = [options, &context] { return run_apply(*options, context); };
}

}  // namespace

void add_apply(Command& root, Context& context) {
  add_apply_verb(root, context);
  add_diff(root, context);
}

}  // namespace tinet::cli
