#include <memory>

#include <boost/json.hpp>

#include "src/api/cluster_handle.h"
#include "src/base/error.h"
#include "src/cli/cluster_access.h"
#include "src/cli/commands.h"
#include "src/cli/completion.h"
#include "src/cli/help.h"
#include "src/cli/json_view.h"
#include "src/cli/run_cli.h"
#include "src/process/user.h"

namespace tinet::cli {

namespace {

struct CompletionOptions {
  std::string shell;
};

/// Names known right now; a completion never fails because there is no cluster.
std::vector<std::string> live_names(Completes kind, Context& context) {
  std::vector<std::string> names;
  try {
    if (kind == Completes::Tag) {
      for (const auto& cluster : find_clusters(invoking_user().uid)) {
        names.push_back(cluster.tag);
      }
      return names;
    }
    const boost::json::value status = get(context, "/v1/status");
    if (kind == Completes::Fault) {
      for (const auto& fault : array_of(status, "faults")) {
        names.push_back(text_of(fault, "id"));
      }
    }
    for (const auto& name : names_of(array_of(status, "instances"))) {
      names.push_back(name);
    }
  } catch (const Error&) {
    return names;
  }
  return names;
}

/// The names must be those of the cluster that the typed words mean.
void take_typed_tag(const std::vector<std::string>& words, Context& context) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "-T" || words[i] == "--tag") {
      context.globals.tag = words[i + 1];
    }
  }
}

int run_complete(Context& context) {
  Command root = make_commands(context);
  const auto words = context.command;
  take_typed_tag(words, context);
  const Completion completion =
      complete(root, words, [&](Completes kind) { return live_names(kind, context); });
  for (const auto& candidate : completion.candidates) {
    const auto& help = candidate.help;
    context.print(candidate.word + (help.empty() ? "" : "\t" + help) + "\n");
  }
  if (completion.files != Completes::Nothing) {
    context.print(completion.files == Completes::File ? ":files\n" : ":directories\n");
  }
  return 0;
}

int run_man(Context& context) {
  Command root = make_commands(context);
  for (auto& command : root.commands) {
    if (command.extend) {
      command.extend(command, "");
    }
  }
  context.print(man_page(root));
  return 0;
}

}  // namespace

void add_completion(Command& root, Context& context) {
  auto options = std::make_shared<CompletionOptions>();
  Command& command = root.add("completion", "print the completion script of a shell");
  command.required("SHELL", options->shell,
                   {.help = "bash, zsh or fish",
                    .completes = Completes::Words,
                    .words = {"bash", "zsh", "fish"}});
  command.examples = {"source <(tinet completion bash)",
                      "tinet completion fish > ~/.config/fish/completions/tinet.fish"};
  command.action = [options, &context] {
    context.print(completion_script(options->shell));
    return 0;
  };
}

void add_generators(Command& root, Context& context) {
  Command& completer = root.add("__complete", "words that may stand at the cursor");
  completer.hidden = true;
  completer.takes_program = true;
  completer.action = [&context] { return run_complete(context); };
  Command& manual = root.add("__man", "the manual page");
  manual.hidden = true;
  manual.action = [&context] { return run_man(context); };
}

}  // namespace tinet::cli
