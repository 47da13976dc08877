#include "src/cli/cut_mode.h"

#include "src/base/error.h"
#include "src/cli/words.h"

namespace tinet::cli {

namespace {

const std::vector<std::string> kModes = {"drop", "reject", "reset"};

}  // namespace

void add_mode_option(Command& command, FaultWords& words) {
  command.option("--mode", words.mode,
                 {.value = "MODE",
                  .help = "drop (default): packets vanish; reject: new connections are refused at "
                          "once, open ones starve; reset: open ones are ended by RST too",
                  .completes = Completes::Words,
                  .words = kModes});
}

void read_mode(const FaultWords& words, api::FaultRequest& request) {
  if (words.mode.empty()) {
    return;
  }
  check_word(words.mode, "--mode", kModes);
  if (words.mode == "reset" && (words.protocol == "udp" || words.protocol == "icmp")) {
    throw_usage("--mode reset ends TCP connections, and --proto is " + words.protocol,
                "use --mode reject or --mode drop");
  }
  request.mode = words.mode;
}

}  // namespace tinet::cli
