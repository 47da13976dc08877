#include "src/cli/backend_choice.h"

#include "src/base/error.h"

namespace tinet::cli {

namespace {

std::string with_reason(const std::string& text, const Feature& feature) {
  return feature.why.empty() ? text : text + ": " + feature.why;
}

}  // namespace

BackendChoice decide_backend(const std::string& wish, const Feature& netns, const Feature& userns) {
  if (wish == "proxy") {
    return {"proxy", "as asked for"};
  }
  if (wish != "rootless" && netns.usable) {
    return {"netns", wish == "auto" ? "this user may make network namespaces" : "as asked for"};
  }
  if (wish == "netns") {
    throw_unavailable(with_reason("the netns backend cannot be used", netns),
                      netns.hint.empty() ? "run with sudo" : netns.hint);
  }
  if (userns.usable) {
    return {"rootless", wish == "auto" ? "not root, and unprivileged user namespaces work here"
                                       : "as asked for"};
  }
  if (wish == "rootless") {
    throw_unavailable(with_reason("the rootless backend cannot be used", userns), userns.hint);
  }
  return {"proxy", with_reason("not root, and user namespaces cannot be used here", userns) +
                       "; its relays can cut, reject, delay and throttle TCP connections to "
                       "services, and nothing else"};
}

BackendChoice choose_backend(const std::string& wish) {
  const Feature netns = wish == "rootless" || wish == "proxy" ? Feature{} : probe_namespaces();
  const bool ask_user_namespaces = wish == "rootless" || (wish == "auto" && !netns.usable);
  const Feature userns = ask_user_namespaces ? probe_user_namespaces() : Feature{};
  return decide_backend(wish, netns, userns);
}

}  // namespace tinet::cli
