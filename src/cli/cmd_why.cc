#include <cctype>
#include <memory>

#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/cli/cluster_access.h"
#include "src/cli/commands.h"
#include "src/cli/fault_view.h"
#include "src/cli/words.h"

namespace tinet::cli {

namespace {

struct WhyOptions {
  std::string from;
  std::string to;
  std::string protocol;
};

const std::vector<std::string> kProtocols = {"tcp", "udp", "icmp"};

/// What follows the colon: a port, or the name of a service of the receiver.
std::string port_query(const std::string& port) {
  if (port.empty()) {
    throw_usage("B[:PORT]: the port is missing after ':'",
                "write a number from 1 to 65535 or the name of a service");
  }
  if (std::isdigit(static_cast<unsigned char>(port.front())) == 0) {
    return "&port=" + url_encode(port);
  }
  return "&port=" + std::to_string(parse_number(port, "PORT", 1, 65535));
}

int run_why(const WhyOptions& options, Context& context) {
  const auto colon = options.to.rfind(':');
  std::string path =
      "/v1/why?from=" + url_encode(options.from) + "&to=" + url_encode(options.to.substr(0, colon));
  if (colon != std::string::npos) {
    path += port_query(options.to.substr(colon + 1));
  }
  if (!options.protocol.empty()) {
    check_word(options.protocol, "--proto", kProtocols);
    path += "&protocol=" + options.protocol;
  }
  const boost::json::value answer = get(context, path);
  if (context.globals.json) {
    context.print_json(answer);
  } else {
    context.print(why_text(answer, context.color()));
  }
  return 0;
}

}  // namespace

void add_why(Command& root, Context& context) {
  auto options = std::make_shared<WhyOptions>();
  Command& command = root.add("why", "say which rules and which faults decide about A > B");
  command.required("A", options->from,
                   {.help = "the sender, e.g. tikv-0", .completes = Completes::Instance});
  command.required(
      "B[:PORT]", options->to,
      {.help = "the receiver, and the port or service that is meant: tikv-1, pd-0:2379, pd-0:peer",
       .completes = Completes::Instance});
  command.option("--proto", options->protocol,
                 {.value = "NAME",
                  .help = "only packets of tcp, udp or icmp",
                  .completes = Completes::Words,
                  .words = kProtocols});
  command.examples = {"tinet why tikv-0 tikv-1", "tinet why tidb-0 pd-0:2379"};
  command.action = [options, &context] { return run_why(*options, context); };
}

}  // namespace tinet::cli
