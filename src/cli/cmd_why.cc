#include <memory>

#include <boost/json.hpp>

#include "src/cli/cluster_access.h"
#include "src/cli/commands.h"
#include "src/cli/fault_view.h"
#include "src/cli/words.h"

namespace tinet::cli {

namespace {

struct WhyOptions {
  std::string from;
  std::string to;
};

int run_why(const WhyOptions& options, Context& context) {
  const auto colon = options.to.rfind(':');
  std::string path =
      "/v1/why?from=" + url_encode(options.from) + "&to=" + url_encode(options.to.substr(0, colon));
  if (colon != std::string::npos) {
    const std::string port = options.to.substr(colon + 1);
    path += "&port=" + std::to_string(parse_number(port, "PORT", 1, 65535));
  }
  const boost::json::value answer = get(context, path);
  if (context.globals.json) {
    context.print_json(answer);
  } else {
    context.print(why_text(answer, context.color()));
  }
  return 0;
}

}  // namespace

void add_why(Command& root, Context& context) {
  auto options = std::make_shared<WhyOptions>();
  Command& command = root.add("why", "say which rule and which fault decide about A > B");
  command.required("A", options->from,
                   {.help = "the sender, e.g. tikv-0", .completes = Completes::Instance});
  command.required(
      "B[:PORT]", options->to,
      {.help = "the receiver, and the port that is meant", .completes = Completes::Instance});
  command.examples = {"tinet why tikv-0 tikv-1", "tinet why tidb-0 pd-0:2379"};
  command.action = [options, &context] { return run_why(*options, context); };
}

}  // namespace tinet::cli
