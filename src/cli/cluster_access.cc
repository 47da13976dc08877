#include "src/cli/cluster_access.h"

#include <unistd.h>

#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/cli/json_view.h"
#include "src/client/client.h"
#include "src/process/user.h"

namespace tinet::cli {

namespace json = boost::json;

std::optional<ClusterHandle> running_cluster(const Context& context) {
  auto cluster = find_cluster(invoking_user().uid, context.globals.tag);
  return cluster && cluster->alive ? cluster : std::nullopt;
}

ClusterHandle require_cluster(const Context& context) {
  return tinet::require_cluster(invoking_user().uid, context.globals.tag);
}

json::value get(const Context& context, const std::string& path) {
  const Interrupt interrupt;
  return Client::connect(require_cluster(context), &interrupt).get(path);
}

json::value post(const Context& context, const std::string& path, const json::value& body) {
  const Interrupt interrupt;
  return Client::connect(require_cluster(context), &interrupt).post(path, body);
}

StreamEnd stream(const Context& context, const std::string& path,
                 const std::function<bool(std::string_view line)>& line) {
  const Interrupt interrupt;
  try {
    Client::connect(require_cluster(context), &interrupt).stream(path, line);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::Interrupted) {
      throw;
    }
    return StreamEnd::Interrupted;
  }
  return StreamEnd::Ended;
}

int stream_status(StreamEnd end) noexcept {
  return end == StreamEnd::Ended ? 0 : exit_code(ErrorKind::Interrupted);
}

const json::value& require_instance(const json::value& status, const std::string& name) {
  const auto& instances = array_of(status, "instances");
  if (const auto* instance = named(instances, name)) {
    return *instance;
  }
  const auto names = names_of(instances);
  const std::string meant = nearest(name, names);
  throw_usage("no instance '" + name + "' in cluster '" + text_of(status, "tag") + "'",
              meant.empty() ? "it has: " + join(names, ", ") : "did you mean '" + meant + "'?");
}

std::string url_encode(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
    }
  }
  return encoded;
}

}  // namespace tinet::cli
