#include <memory>

#include <boost/json.hpp>

#include "src/api/requests.h"
#include "src/base/text.h"
#include "src/cli/cluster_access.h"
#include "src/cli/commands.h"
#include "src/cli/json_view.h"
#include "src/cli/words.h"

namespace tinet::cli {

namespace {

struct InstanceOptions {
  std::string selector;
  std::string signal;
  std::string after;
  std::string duration;
  std::string wait;
  std::string seed;
};

/// What tells the six verbs apart.
struct Verb {
  const char* name;
  const char* path;  ///< last part of the request's path
  const char* done;  ///< "restarted"
  const char* summary;
  bool takes_signal;
  bool takes_after;
  bool takes_duration;
  bool takes_wait;
  std::vector<std::string> examples;
};

int run_verb(const Verb& verb, const InstanceOptions& options, Context& context) {
  api::InstanceRequest request;
  request.selector = options.selector;
  request.signal = options.signal;
  request.after_ms = optional_ms(options.after, "--after");
  request.for_ms = optional_ms(options.duration, "--for");
  request.seed = optional_seed(options.seed);
  if (!options.wait.empty()) {
    check_word(options.wait, "--wait", {"running", "ready", "no"});
    request.wait = options.wait;
  }
  const boost::json::value answer =
      post(context, std::string("/v1/instances/") + verb.path, api::to_json(request));
  for (const auto& note : texts_of(answer, "notes")) {
    context.note(note);
  }
  if (context.globals.json) {
    context.print_json(member_of(answer, "status"));
  } else {
    context.print(std::string(verb.done) + " " + join(texts_of(answer, "instances"), ", ") + "\n");
  }
  return 0;
}

void add_verb(Command& root, Context& context, const Verb& verb) {
  auto options = std::make_shared<InstanceOptions>();
  Command& command = root.add(verb.name, verb.summary);
  command.required("SELECTOR", options->selector,
                   {.help = "which instances, e.g. tikv-0, tikv, role:pd-leader, random:tikv",
                    .completes = Completes::Instance});
  if (verb.takes_signal) {
    command.option("--signal", options->signal,
                   {.value = "NAME", .help = "signal to send instead, e.g. TERM, INT, QUIT"});
  }
  if (verb.takes_after) {
    command.option("--after", options->after,
                   {.value = "DUR", .help = "time between stop and start (default none)"});
  }
  if (verb.takes_duration) {
    command.option("--for", options->duration,
                   {.value = "DUR", .help = "resume after this long, e.g. 10s"});
  }
  if (verb.takes_wait) {
    command.option("--wait", options->wait,
                   {.value = "STATE",
                    .help = "what to wait for: running, ready or no (default ready, but running "
                            "while a fault touches the instance)",
                    .completes = Completes::Words,
                    .words = {"running", "ready", "no"}});
  }
  command.option("--seed", options->seed,
                 {.value = "N", .help = "makes the choice of random: words repeatable"});
  command.examples = verb.examples;
  command.action = [verb, options, &context] { return run_verb(verb, *options, context); };
}

}  // namespace

void add_instance_verbs(Command& root, Context& context) {
  const std::vector<Verb> verbs = {
      {"restart",
       "restart",
       "restarted",
       "stop instances and start them again",
       true,
       true,
       false,
       true,
       {"tinet restart tikv-0", "tinet restart random:tikv --signal KILL --after 5s"}},
      {"kill",
       "kill",
       "killed",
       "kill the processes of instances (SIGKILL); they stay down",
       true,
       false,
       false,
       false,
       {"tinet kill tikv-0", "tinet kill role:pd-leader"}},
      {"stop-instance",
       "stop",
       "stopped",
       "stop instances; they stay down",
       true,
       false,
       false,
       false,
       {"tinet stop-instance tikv-0", "tinet stop-instance zone:a"}},
      {"start-instance",
       "start",
       "started",
       "start instances that are down",
       false,
       false,
       false,
       true,
       {"tinet start-instance tikv-0", "tinet start-instance all --wait running"}},
      {"pause",
       "pause",
       "paused",
       "freeze the processes of instances (SIGSTOP)",
       false,
       false,
       true,
       false,
       {"tinet pause tikv-0 --for 10s", "tinet pause role:pd-leader"}},
      {"resume",
       "resume",
       "resumed",
       "let paused instances go on",
       false,
       false,
       false,
       true,
       {"tinet resume tikv-0", "tinet resume all"}},
  };
  for (const auto& verb : verbs) {
    add_verb(root, context, verb);
  }
}

}  // namespace tinet::cli
