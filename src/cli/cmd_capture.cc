#include <memory>

#include <boost/json.hpp>

#include "src/cli/caller_files.h"
#include "src/cli/cluster_access.h"
#include "src/cli/commands.h"
#include "src/cli/output.h"
#include "src/cli/words.h"
#include "src/client/capture_client.h"

namespace tinet::cli {

namespace {

struct CaptureFlags {
  std::string instance;
  std::string file;
  std::string count;
};

int run_capture_command(const CaptureFlags& flags, Context& context) {
  CaptureOptions options;
  options.target = flags.instance;
  options.file = flags.file;
  options.create = create_callers_file;
  if (!flags.count.empty()) {
    options.packets_max =
        static_cast<std::uint64_t>(parse_number(flags.count, "--count", 1, 1'000'000'000'000));
  }
  options.line = [&](std::string_view line) {
    if (context.globals.json) {
      context.print_json(boost::json::value{{"packet", line}});
    } else {
      context.print(std::string(line) + "\n");
    }
  };
  const Interrupt interrupt;
  const CaptureResult result = run_capture(require_cluster(context), options, &interrupt);
  context.note(plural(result.packets, "packet") + " captured" +
               (result.missed == 0 ? "" : ", " + std::to_string(result.missed) + " missed"));
  return 0;
}

}  // namespace

void add_capture(Command& root, Context& context) {
  auto flags = std::make_shared<CaptureFlags>();
  Command& command = root.add("capture", "show or record the packets of an instance");
  command.required("INSTANCE", flags->instance,
                   {.help = "name, or 'client'", .completes = Completes::Instance});
  command.option("-w,--write", flags->file,
                 {.value = "FILE",
                  .help = "write a pcap file, '-' for stdout (default: a line per packet)",
                  .completes = Completes::File});
  command.option("-c,--count", flags->count,
                 {.value = "N", .help = "end after N packets (default: when interrupted)"});
  command.examples = {"tinet capture tikv-0 -c 20", "tinet capture pd-0 -w pd-0.pcap"};
  command.action = [flags, &context] { return run_capture_command(*flags, context); };
}

}  // namespace tinet::cli
