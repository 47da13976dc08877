#pragma once
/// One function per command; each declares the command's words below `root` and what it runs.
/// They live in cmd_<name>.cc.

#include "src/cli/command.h"
#include "src/cli/context.h"

namespace tinet::cli {

void add_start(Command& root, Context& context);
void add_with(Command& root, Context& context);
void add_status(Command& root, Context& context);
void add_list(Command& root, Context& context);
void add_stop(Command& root, Context& context);
void add_collect(Command& root, Context& context);
void add_cleanup(Command& root, Context& context);
void add_doctor(Command& root, Context& context);
void add_wait(Command& root, Context& context);
void add_address(Command& root, Context& context);
/// restart, kill, stop-instance, start-instance, pause, resume
void add_instance_verbs(Command& root, Context& context);
/// partition, delay, loss, duplicate, corrupt, reorder, rate, flap, hold
void add_fault_verbs(Command& root, Context& context);
void add_release(Command& root, Context& context);
/// apply, diff
void add_apply(Command& root, Context& context);
void add_heal(Command& root, Context& context);
void add_faults(Command& root, Context& context);
void add_links(Command& root, Context& context);
void add_why(Command& root, Context& context);
void add_events(Command& root, Context& context);
void add_exec(Command& root, Context& context);
void add_shell(Command& root, Context& context);
void add_logs(Command& root, Context& context);
void add_capture(Command& root, Context& context);
void add_proxy(Command& root, Context& context);
void add_completion(Command& root, Context& context);
/// __complete and __man: what completion scripts and the build call.
void add_generators(Command& root, Context& context);
void add_supervise(Command& root, Context& context);
void add_wire(Command& root, Context& context);

}  // namespace tinet::cli
