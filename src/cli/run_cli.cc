#include "src/cli/run_cli.h"

#include <algorithm>
#include <exception>

#include <boost/json/value.hpp>

#include "src/api/cluster_handle.h"
#include "src/api/requests.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/cli/command.h"
#include "src/cli/help.h"
#include "src/cli/output.h"
#include "src/cli/parse.h"

namespace tinet::cli {

namespace {

/// The end of an instance's log; servers write lines that would fill the screen.
void print_log_tail(Context& context, const Error& error) {
  constexpr std::size_t kLineMax = 240;
  auto& err = context.streams.err;
  err << paint("last lines of the log of " + error.instance() + ":", Color::Dim,
               context.err_color())
      << '\n';
  for (const auto& line : split(trim(error.log_tail()), '\n')) {
    err << "  " << line.substr(0, kLineMax) << (line.size() > kLineMax ? "..." : "") << '\n';
  }
}

}  // namespace

void print_error(Context& context, const Error& error) {
  auto& err = context.streams.err;
  if (!error.log_tail().empty()) {
    print_log_tail(context, error);
  }
  err << "tinet: " << paint("error:", Color::Red, context.err_color()) << ' ' << error.what()
      << '\n';
  if (!error.hint().empty()) {
    err << "tinet: " << paint("hint:", Color::Yellow, context.err_color()) << ' ' << error.hint()
        << '\n';
  }
  err << std::flush;
  if (context.globals.json) {
    context.print_json(api::to_json(error));
  }
}

namespace {

/// `tinet help COMMAND` means `tinet COMMAND --help`.
std::vector<std::string> without_help_word(std::vector<std::string> words) {
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  return words;
}

/// Cuts the program behind "--" off the words of a command that takes one.
void take_program(const Command& command, std::vector<std::string>& words, Context& context) {
  const auto mark = std::find(words.begin(), words.end(), "--");
  if (!command.takes_program || mark == words.end()) {
    return;
  }
  context.command.assign(mark + 1, words.end());
  words.erase(mark, words.end());
}

/// Errors before the flags are known must already be JSON when they asked for it.
bool asks_for_json(const std::vector<std::string>& words) {
  const auto end = std::find(words.begin(), words.end(), "--");
  return std::find(words.begin(), end, "--json") != end;
}

int run(std::vector<std::string> words, Context& context) {
  Command root = make_commands(context);
  words = without_help_word(std::move(words));
  const std::size_t at = find_command(root, words);
  if (Command* command = at < words.size() ? root.find(words[at]) : nullptr; command != nullptr) {
    take_program(*command, words, context);
    if (command->extend) {
      command->extend(*command, first_positional(root, *command, words, at + 1));
    }
  }
  const ParseResult parsed = parse_words(root, words);
  if (parsed.version) {
    context.print("tinet " TINET_VERSION "\n");
    return 0;
  }
  if (parsed.help) {
    context.print(help_text(root, *parsed.command, context.color()));
    return 0;
  }
  if (!parsed.command->action) {
    throw_usage("no command given", "see 'tinet --help'");
  }
  check_tag(context.globals.tag);
  return parsed.command->action();
}

}  // namespace

int run_cli(const std::vector<std::string>& words, const Streams& streams,
            const std::map<std::string, std::string>& environment) {
  Context context(streams, environment);
  context.globals.json = asks_for_json(words);
  if (const std::string tag = context.variable("TINET_TAG"); !tag.empty()) {
    context.globals.tag = tag;
  }
  try {
    return run(words, context);
  } catch (const Error& error) {
    print_error(context, error);
    return exit_code(error.kind());
  } catch (const std::exception& error) {
    print_error(context, Error(ErrorKind::Operation, error.what()));
    return exit_code(ErrorKind::Operation);
  }
}

}  // namespace tinet::cli
