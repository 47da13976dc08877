#include <memory>

#include <boost/json.hpp>

#include "src/cli/cluster_access.h"
#include "src/cli/commands.h"
#include "src/cli/fault_view.h"
#include "src/cli/words.h"

namespace tinet::cli {

namespace {

struct EventsOptions {
  bool follow = false;
  std::string since;
};

/// Without --follow the result is one document.
int print_array(const std::string& path, Context& context) {
  boost::json::array events;
  const StreamEnd end = stream(context, path, [&](std::string_view line) {
    events.push_back(boost::json::parse(line));
    return true;
  });
  context.print_json(events);
  return stream_status(end);
}

int run_events(const EventsOptions& options, Context& context) {
  std::string path = "/v1/events?since=";
  path += options.since.empty()
              ? "0"
              : std::to_string(parse_number(options.since, "--since", 0, INT64_MAX));
  if (context.globals.json && !options.follow) {
    return print_array(path, context);
  }
  path += options.follow ? "&follow=1" : "";
  const StreamEnd end = stream(context, path, [&](std::string_view line) {
    if (context.globals.json) {
      context.print(std::string(line) + "\n");
    } else {
      context.print(event_line(boost::json::parse(line), context.color()) + "\n");
    }
    return context.streams.out.good();
  });
  return stream_status(end);
}

}  // namespace

void add_events(Command& root, Context& context) {
  auto options = std::make_shared<EventsOptions>();
  Command& command = root.add("events", "show the history of the cluster");
  command.flag("-f,--follow", options->follow, "go on with new events, until interrupted");
  command.option("--since", options->since,
                 {.value = "SEQ", .help = "only events with a higher number (default 0)"});
  command.examples = {"tinet events", "tinet events --follow --json"};
  command.action = [options, &context] { return run_events(*options, context); };
}

}  // namespace tinet::cli
