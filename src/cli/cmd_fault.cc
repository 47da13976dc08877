#include <memory>

#include <boost/json.hpp>

#include "src/api/requests.h"
#include "src/base/error.h"
#include "src/cli/cluster_access.h"
#include "src/cli/commands.h"
#include "src/cli/fault_verb.h"
#include "src/cli/fault_view.h"
#include "src/cli/json_view.h"

namespace tinet::cli {

namespace json = boost::json;

namespace {

void show(const json::value& answer, const FaultWords& words, Context& context) {
  if (context.globals.json) {
    context.print_json(answer);
    return;
  }
  if (words.dry_run) {
    context.print(dry_run_fault_text(answer));
  } else {
    context.print(applied_text(answer, context.tinet(), context.color()));
  }
  if (words.explain) {
    const json::value& wrapped = member_of(answer, "fault");
    context.print(links_of_fault_text(wrapped.is_object() ? wrapped : answer));
  }
}

int run_fault(const api::FaultRequest& request, const FaultWords& words, Context& context) {
  const json::value answer = post(context, "/v1/faults", api::to_json(request));
  show(answer, words, context);
  const auto wrong = array_of(member_of(answer, "verify"), "wrong").size();
  return wrong == 0 ? 0 : exit_code(ErrorKind::Operation);
}

}  // namespace

void add_fault_verbs(Command& root, Context& context) {
  for (const FaultVerb& verb : fault_verbs()) {
    auto words = std::make_shared<FaultWords>();
    Command& command = root.add(verb.name, verb.summary);
    describe_fault(verb, command, *words);
    command.action = [&verb, &command, words, &context] {
      return run_fault(make_fault_request(verb, command, *words), *words, context);
    };
  }
}

}  // namespace tinet::cli
