#include <memory>

#include <poll.h>

#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/cli/cluster_access.h"
#include "src/cli/commands.h"
#include "src/cli/json_view.h"
#include "src/cli/log_follow.h"
#include "src/cli/words.h"
#include "src/client/signal_pipe.h"
#include "src/process/user.h"

namespace tinet::cli {

namespace json = boost::json;

namespace {

constexpr std::int64_t kTailMax = 10'000'000;

struct LogsOptions {
  std::string instance;
  bool follow = false;
  std::string tail;
};

/// Prints the whole lines at the front of `text` and leaves the rest, for --json.
void print_json_lines(std::string& text, const std::string& instance, Context& context) {
  std::size_t end = 0;
  while ((end = text.find('\n')) != std::string::npos) {
    context.print_json(json::value{{"instance", instance}, {"line", text.substr(0, end)}});
    text.erase(0, end + 1);
  }
}

/// Goes on until the reader of the output is gone or the user wants out.
int follow(LogFollower& log, std::string text, const LogsOptions& options, Context& context) {
  const Interrupt interrupt;
  while (context.streams.out.good()) {
    if (context.globals.json) {
      print_json_lines(text, options.instance, context);
    } else {
      context.print(text);
      text.clear();
    }
    pollfd waited[2] = {{log.fd(), POLLIN, 0}, {interrupt.fd(), POLLIN, 0}};
    ::poll(waited, 2, -1);
    if (interrupt.raised()) {
      return exit_code(ErrorKind::Interrupted);
    }
    text += log.read_new();
  }
  return 0;
}

int run_logs(const LogsOptions& options, Context& context) {
  const json::value status = get(context, "/v1/status");
  const std::string path = text_of(require_instance(status, options.instance), "log");
  LogFollower log(invoking_user(), path);
  std::string text = log.read_new();
  if (!options.tail.empty()) {
    const auto lines = static_cast<std::size_t>(parse_number(options.tail, "--tail", 0, kTailMax));
    text = std::string(tail_lines(text, lines));
  }
  if (options.follow) {
    return follow(log, std::move(text), options, context);
  }
  if (context.globals.json) {
    context.print_json(json::value{{"instance", options.instance}, {"log", path}, {"text", text}});
  } else {
    context.print(text);
  }
  return 0;
}

}  // namespace

void add_logs(Command& root, Context& context) {
  auto options = std::make_shared<LogsOptions>();
  Command& command = root.add("logs", "print the log of an instance");
  command.required("INSTANCE", options->instance,
                   {.help = "name, e.g. tikv-0", .completes = Completes::Instance});
  command.flag("-f,--follow", options->follow,
               "go on with what is appended, also across restarts, until interrupted");
  command.option("-n,--tail", options->tail,
                 {.value = "N", .help = "only the last N lines (default: all)"});
  command.examples = {"tinet logs tikv-0 --tail 50", "tinet logs pd-0 --follow"};
  command.action = [options, &context] { return run_logs(*options, context); };
}

}  // namespace tinet::cli
