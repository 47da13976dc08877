/// The userspace wire as a program of its own, for tests that have no tinet to execute.

#include "src/wire/process.h"

int main() {
  return tinet::run_wire(tinet::kWireQueueFd, tinet::kWireControlFd, tinet::kWireBoardFd);
}
