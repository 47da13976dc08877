/// The userspace wire as a program of its own, for tests that have no tinet to execute.

#include <cstdlib>

#include "src/wire/process.h"

/// An argument is the size of the receive buffer in bytes.
int main(int argc, char** argv) {
  return tinet::run_wire(tinet::kWireQueueFd, tinet::kWireControlFd, tinet::kWireBoardFd,
                         argc > 1 ? std::atoi(argv[1]) : tinet::kWireReceiveBuffer);
}
