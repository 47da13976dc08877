#include "src/base/error.h"
#include "src/cli/cut_mode.h"
#include "src/cli/fault_verb.h"
#include "src/cli/words.h"

namespace tinet::cli {

namespace {

const std::vector<std::string> kShapes = {"halves", "majority", "minority", "ring",
                                          "bridge", "zones",    "random"};

void add_options(Command& command, FaultWords& words) {
  command.option("--shape", words.shape,
                 {.value = "SHAPE",
                  .help = "of the selected (default all): halves, majority or minority (two groups "
                          "by chance), random (two of any size), bridge (two halves and one that "
                          "reaches both), ring (everybody reaches another majority), zones",
                  .completes = Completes::Words,
                  .words = kShapes});
  add_mode_option(command, words);
  command.exclusives.insert(
      command.exclusives.end(),
      {{"--shape", "--from", "--to"}, {"--shape", "--each"}, {"--shape", "--between"}});
}

void read(const FaultWords& words, api::FaultRequest& request) {
  if (!words.shape.empty()) {
    check_word(words.shape, "--shape", kShapes);
    request.shape = words.shape;
  }
  read_mode(words, request);
}

}  // namespace

FaultVerb partition_verb() {
  return {
      .name = "partition",
      .value = "",
      .value_help = "",
      .summary = "cut instances off from others",
      .description =
          "The links between the selected instances and their peers (default: everybody else) drop "
          "every packet, also of open connections, until 'tinet heal' or the end of --for. Links "
          "between the selected instances themselves stay open. Groups are separated by '/': "
          "'pd-0,tikv-0 / tikv-1,tikv-2'; instances in no group form one more.",
      .examples = {"tinet partition tikv-0 --for 30s",
                   "tinet partition 'pd-0,tikv-0 / tikv-1,tikv-2' --verify",
                   "tinet partition tikv --shape ring --mode reject"},
      .takes_profile = false,
      .add_options = add_options,
      .read = read};
}

}  // namespace tinet::cli
