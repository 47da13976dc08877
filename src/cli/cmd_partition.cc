#include <memory>

#include <boost/json.hpp>

#include "src/api/requests.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/cli/cluster_access.h"
#include "src/cli/commands.h"
#include "src/cli/fault_view.h"
#include "src/cli/json_view.h"
#include "src/cli/words.h"

namespace tinet::cli {

namespace json = boost::json;

namespace {

constexpr const char* kVerifyDefault = "500ms";

struct PartitionOptions {
  std::vector<std::string> selector;
  std::string from;
  std::string to;
  std::string direction = "both";
  bool each = false;
  std::string between;
  std::string mode = "drop";
  std::string duration;
  std::string seed;
  bool dry_run = false;
  bool explain = false;
  std::string verify;
};

/// The words that made the fault, as `faults` and `events` show them.
std::string summary_of(const PartitionOptions& options, const api::FaultRequest& request) {
  std::string text = "partition";
  text += request.selector.empty() ? "" : " " + request.selector;
  text += options.from.empty() ? "" : " --from " + options.from;
  text += options.to.empty() ? "" : " --to " + options.to;
  text += options.direction == "both" ? "" : " --direction " + options.direction;
  text += options.each ? " --each" : "";
  text += request.between_zones ? " --between zones" : "";
  text += options.duration.empty() ? "" : " --for " + options.duration;
  return text;
}

api::FaultRequest request_of(const PartitionOptions& options) {
  api::FaultRequest request;
  request.selector = join(options.selector, " ");  // "a / b" may come as three words
  check_word(options.direction, "--direction", {"both", "in", "out"});
  check_word(options.mode, "--mode", {"drop"});
  if (!options.between.empty()) {
    check_word(options.between, "--between", {"zones"});
    request.between_zones = true;
  } else if (request.selector.empty()) {
    throw_usage("SELECTOR is missing for 'tinet partition'",
                "write for example 'tinet partition tikv-0', or see 'tinet partition --help'");
  }
  if (!options.from.empty() || !options.to.empty()) {
    request.peers = options.from.empty() ? options.to : options.from;
  }
  request.direction = options.direction;
  request.each = options.each;
  request.for_ms = optional_ms(options.duration, "--for");
  request.seed = optional_seed(options.seed);
  request.verify_ms = optional_ms(options.verify, "--verify");
  request.dry_run = options.dry_run;
  request.summary = summary_of(options, request);
  return request;
}

void show(const json::value& answer, const PartitionOptions& options, Context& context) {
  if (context.globals.json) {
    context.print_json(answer);
    return;
  }
  if (options.dry_run) {
    context.print(dry_run_fault_text(answer));
  } else {
    context.print(applied_text(answer, context.tinet(), context.color()));
  }
  if (options.explain) {
    const json::value& wrapped = member_of(answer, "fault");
    context.print(links_of_fault_text(wrapped.is_object() ? wrapped : answer));
  }
}

int run_partition(const PartitionOptions& options, Context& context) {
  const api::FaultRequest request = request_of(options);
  const json::value answer = post(context, "/v1/faults", api::to_json(request));
  show(answer, options, context);
  const auto wrong = array_of(member_of(answer, "verify"), "wrong").size();
  return wrong == 0 ? 0 : exit_code(ErrorKind::Operation);
}

}  // namespace

void add_partition(Command& root, Context& context) {
  auto options = std::make_shared<PartitionOptions>();
  Command& command = root.add("partition", "cut instances off from others");
  command.description =
      "The links between the selected instances and their peers (default: everybody else) drop "
      "every packet, also of open connections, until 'tinet heal' or the end of --for. Links "
      "between the selected instances themselves stay open. Groups are separated by '/': "
      "'pd-0,tikv-0 / tikv-1,tikv-2'; instances in no group form one more.";
  command.rest("SELECTOR", options->selector,
               {.help = "whom: tikv-0, tikv, 'tikv-*', a,b, '!x', all, client, zone:a, "
                        "role:pd-leader, random:2:tikv, minority:tikv, or groups 'a,b / c,d'",
                .completes = Completes::Instance});
  command.option("--from", options->from,
                 {.value = "PEERS",
                  .help = "cut off from these only (default: all others)",
                  .completes = Completes::Instance});
  command.option(
      "--to", options->to,
      {.value = "PEERS", .help = "the same as --from", .completes = Completes::Instance});
  command.option("--direction", options->direction,
                 {.value = "WHICH",
                  .help = "out: only what they send, in: only what they receive (default both)",
                  .completes = Completes::Words,
                  .words = {"both", "in", "out"}});
  command.flag("--each", options->each, "also cut the selected instances off from each other");
  command.option("--between", options->between,
                 {.value = "zones",
                  .help = "cut the links between instances of different zones",
                  .completes = Completes::Words,
                  .words = {"zones"}});
  command.option("--mode", options->mode,
                 {.value = "MODE",
                  .help = "how packets are refused: drop (default)",
                  .completes = Completes::Words,
                  .words = {"drop"}});
  command.option("--for", options->duration,
                 {.value = "DUR", .help = "the kernel ends the fault after this long, e.g. 30s"});
  command.option("--seed", options->seed,
                 {.value = "N", .help = "makes the choice of random: words repeatable"});
  command.flag("--dry-run", options->dry_run, "show the transaction, change nothing");
  command.flag("--explain", options->explain, "also list every link and the mechanism");
  command.optional_value(
      "--verify", options->verify, kVerifyDefault,
      {.value = "DUR",
       .help =
           "probe every affected pair for at most this long (default 500ms); status 1 when one is "
           "not as intended"});
  command.exclusives = {{"--from", "--to"}};
  command.examples = {"tinet partition tikv-0 --for 30s",
                      "tinet partition 'pd-0,tikv-0 / tikv-1,tikv-2' --verify"};
  command.action = [options, &context] { return run_partition(*options, context); };
}

}  // namespace tinet::cli
