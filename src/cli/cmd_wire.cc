// The userspace wire: the supervisor executes it with its descriptors in place (src/wire/client.h).

#include "src/cli/commands.h"
#include "src/wire/process.h"

namespace tinet::cli {

void add_wire(Command& root, Context& /*context*/) {
  Command& command = root.add("__wire", "delay packets of a cluster; started by its supervisor");
  command.hidden = true;
  command.action = []() -> int { return run_wire(kWireQueueFd, kWireControlFd, kWireBoardFd); };
}

}  // namespace tinet::cli
