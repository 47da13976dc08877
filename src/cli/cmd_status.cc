#include <memory>

#include <boost/json.hpp>

#include "src/cli/cluster_access.h"
#include "src/cli/commands.h"
#include "src/cli/status_view.h"

namespace tinet::cli {

namespace json = boost::json;

namespace {

struct StatusOptions {
  bool watch = false;
};

void show(const json::value& status, Context& context) {
  context.print(status_text(status, context.color()));
}

int watch(Context& context) {
  const StreamEnd end = stream(context, "/v1/status?watch=1", [&](std::string_view line) {
    if (context.globals.json) {
      context.print(std::string(line) + "\n");
      return context.streams.out.good();
    }
    if (context.streams.out_is_terminal) {
      context.print("\033[H\033[2J");
    }
    show(json::parse(line), context);
    return context.streams.out.good();
  });
  return stream_status(end);
}

int run_status(const StatusOptions& options, Context& context) {
  if (options.watch) {
    return watch(context);
  }
  const json::value status = get(context, "/v1/status");
  if (context.globals.json) {
    context.print_json(status);
  } else {
    show(status, context);
  }
  return 0;
}

}  // namespace

void add_status(Command& root, Context& context) {
  auto options = std::make_shared<StatusOptions>();
  Command& command = root.add("status", "show the instances of the cluster and its faults");
  command.flag("-w,--watch", options->watch, "show it again after every change, until interrupted");
  command.examples = {"tinet status", "tinet status --json --watch"};
  command.action = [options, &context] { return run_status(*options, context); };
}

}  // namespace tinet::cli
