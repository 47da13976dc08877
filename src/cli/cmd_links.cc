#include <memory>

#include <boost/json.hpp>

#include "src/cli/cluster_access.h"
#include "src/cli/commands.h"
#include "src/cli/fault_view.h"

namespace tinet::cli {

namespace json = boost::json;

namespace {

struct LinksOptions {
  bool watch = false;
};

int watch(Context& context) {
  const StreamEnd end = stream(context, "/v1/links?watch=1", [&](std::string_view line) {
    if (context.globals.json) {
      context.print(std::string(line) + "\n");
    } else {
      context.print(context.streams.out_is_terminal ? "\033[H\033[2J" : "");
      context.print(links_text(json::parse(line), context.color()));
    }
    return context.streams.out.good();
  });
  return stream_status(end);
}

int run_links(const LinksOptions& options, Context& context) {
  if (options.watch) {
    return watch(context);
  }
  const json::value links = get(context, "/v1/links");
  if (context.globals.json) {
    context.print_json(links);
  } else {
    context.print(links_text(links, context.color()));
  }
  return 0;
}

}  // namespace

void add_links(Command& root, Context& context) {
  auto options = std::make_shared<LinksOptions>();
  Command& command =
      root.add("links", "show who reaches whom, and what happens to packets on the way");
  command.flag("-w,--watch", options->watch, "show it again every second, until interrupted");
  command.examples = {"tinet links", "tinet links --watch"};
  command.action = [options, &context] { return run_links(*options, context); };
}

}  // namespace tinet::cli
