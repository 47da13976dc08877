#include <memory>

#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/cli/cluster_access.h"
#include "src/cli/commands.h"
#include "src/cli/json_view.h"

namespace tinet::cli {

namespace json = boost::json;

namespace {

struct AddressOptions {
  std::string instance;
  std::string service;
};

std::int64_t port_of(const json::value& instance, const std::string& service) {
  const auto& services = member_of(instance, "services");
  if (const auto port = number_of(services, service)) {
    return *port;
  }
  std::vector<std::string> known;
  if (const auto* object = services.if_object()) {
    for (const auto& entry : *object) {
      known.emplace_back(entry.key());
    }
  }
  throw_usage("'" + text_of(instance, "name") + "' has no service '" + service + "'",
              known.empty() ? "" : "it has: " + join(known, ", "));
}

int run_address(const AddressOptions& options, Context& context) {
  const json::value status = get(context, "/v1/status");
  const json::value& instance = require_instance(status, options.instance);
  json::object document{{"instance", options.instance}, {"address", text_of(instance, "address")}};
  std::string text = text_of(instance, "address");
  if (!options.service.empty()) {
    const std::int64_t port = port_of(instance, options.service);
    document["service"] = options.service;
    document["port"] = port;
    document["published"] = member_of(member_of(instance, "published"), options.service);
    text += ":" + std::to_string(port);
  }
  if (context.globals.json) {
    context.print_json(document);
  } else {
    context.print(text + "\n");
  }
  return 0;
}

}  // namespace

void add_address(Command& root, Context& context) {
  auto options = std::make_shared<AddressOptions>();
  Command& command =
      root.add("address", "print the address of an instance, with a service its port too");
  command.required("INSTANCE", options->instance,
                   {.help = "name, e.g. tikv-0", .completes = Completes::Instance});
  command.positional("SERVICE", options->service,
                     {.help = "e.g. client, peer, status; prints ADDRESS:PORT"});
  command.examples = {"tinet address pd-0", "tinet address tikv-0 status"};
  command.action = [options, &context] { return run_address(*options, context); };
}

}  // namespace tinet::cli
