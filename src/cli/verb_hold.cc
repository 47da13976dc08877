#include <string>

#include "src/cli/fault_verb.h"
#include "src/wire/shape.h"

namespace tinet::cli {

namespace {

void add_options(Command& /*command*/, FaultWords& /*words*/) {}

void read(const FaultWords& /*words*/, api::FaultRequest& /*request*/) {}

}  // namespace

FaultVerb hold_verb() {
  return {.name = "hold",
          .value = "",
          .value_help = "",
          .summary = "keep packets back until they are released",
          .description =
              "The packets of the links are kept. 'tinet release ID' delivers them in their order, "
              "or drops them; 'tinet heal' and the end of --for deliver them too. At most " +
              std::to_string(kWireQueueDefault) +
              " packets of each link are kept; what comes then is dropped and counted.",
          .examples = {"tinet hold tikv-0 --to tikv-1 --direction out",
                       "tinet hold tikv-0 --port 20160 --for 5s"},
          .takes_profile = false,
          .add_options = add_options,
          .read = read};
}

}  // namespace tinet::cli
