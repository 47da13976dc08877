#include "src/cli/commands.h"

#include "src/cli/run_cli.h"

namespace tinet::cli {

namespace {

void add_global_options(Command& root, Context& context) {
  auto& globals = context.globals;
  root.option("-T,--tag", globals.tag,
              {.value = "TAG",
               .help = "which cluster is meant (default 'default', or $TINET_TAG)",
               .completes = Completes::Tag});
  root.flag("--json", globals.json, "print the result, or the error, as JSON");
  root.flag("-q,--quiet", globals.quiet, "print results and errors only");
  root.flag("-v,--verbose", globals.verbose, "say more about what is done");
  root.flag("--no-color", globals.no_color, "no colours (also $NO_COLOR)");
  // The parser answers these two itself, wherever they stand.
  static bool ignored = false;
  root.flag("--version", ignored, "print the version");
  root.flag("-h,--help", ignored, "print the help of tinet or of a command");
}

}  // namespace

Command make_commands(Context& context) {
  Command root;
  root.name = "tinet";
  root.summary = "start a real cluster on one machine and break it on command, in the kernel";
  root.description =
      "Every instance lives in its own network namespace, joined to one bridge; faults are rules "
      "in "
      "that bridge, so a cut takes both directions and connections that are already open. Nothing "
      "is changed in the host's own network, and whatever kills tinet, nothing is left behind.";
  root.examples = {"sudo tinet start --tikv 3", "tinet partition tikv-0", "tinet heal",
                   "tinet stop"};
  add_global_options(root, context);

  root.start_section("Clusters");
  add_start(root, context);
  add_with(root, context);
  add_status(root, context);
  add_list(root, context);
  add_wait(root, context);
  add_stop(root, context);
  add_collect(root, context);
  add_cleanup(root, context);
  add_doctor(root, context);

  root.start_section("Faults");
  add_fault_verbs(root, context);
  add_release(root, context);
  add_heal(root, context);
  add_apply(root, context);
  add_faults(root, context);
  add_links(root, context);
  add_why(root, context);
  add_events(root, context);

  root.start_section("Instances");
  add_instance_verbs(root, context);
  add_exec(root, context);
  add_shell(root, context);
  add_logs(root, context);
  add_capture(root, context);
  add_address(root, context);

  root.start_section("Others");
  add_proxy(root, context);
  add_completion(root, context);
  add_generators(root, context);
  add_supervise(root, context);
  add_wire(root, context);
  return root;
}

}  // namespace tinet::cli
