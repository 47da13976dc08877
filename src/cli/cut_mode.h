#pragma once
/// --mode of the verbs that cut links.

#include "src/api/requests.h"
#include "src/cli/command.h"
#include "src/cli/fault_words.h"

namespace tinet::cli {

void add_mode_option(Command& command, FaultWords& words);
/// @throws Error Usage
void read_mode(const FaultWords& words, api::FaultRequest& request);

}  // namespace tinet::cli
