#include <memory>

#include <boost/json.hpp>

#include "src/cli/backend_table.h"
#include "src/cli/commands.h"
#include "src/cli/doctor_report.h"

namespace tinet::cli {

namespace {

struct DoctorOptions {
  std::string require;
  bool backends = false;
};

int run_doctor(const DoctorOptions& options, Context& context) {
  if (options.backends) {
    if (context.globals.json) {
      context.print_json(backend_document());
    } else {
      context.print(backend_markdown());
    }
    return 0;
  }
  const DoctorReport report = make_doctor_report(context);
  if (!options.require.empty()) {
    require_features(report, options.require);
  }
  if (context.globals.json) {
    context.print_json(doctor_document(report));
  } else {
    context.print(doctor_text(report, context.color()));
  }
  return 0;
}

}  // namespace

void add_doctor(Command& root, Context& context) {
  auto options = std::make_shared<DoctorOptions>();
  Command& command = root.add("doctor", "try what this machine can do, and say why not");
  command.description =
      "Tries every kernel feature that tinet uses in scratch namespaces, says by which mechanism "
      "the first usable backend would do each fault, and looks for the programs of the built-in "
      "topologies. Changes nothing.";
  command.option("--require", options->require,
                 {.value = "LIST",
                  .help = "status 3 when one of these backends or features is not usable, e.g. "
                          "netns,table-owner"});
  command.flag("--backends", options->backends,
               "only the table of what each backend can do, as Markdown");
  command.examples = {"tinet doctor", "sudo tinet doctor --require netns --json"};
  command.action = [options, &context] { return run_doctor(*options, context); };
}

}  // namespace tinet::cli
