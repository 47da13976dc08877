#include "src/toxiproxy/api.h"

#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/http/server.h"
#include "src/toxiproxy/api_error.h"
#include "src/toxiproxy/fields.h"

namespace tinet::toxiproxy {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr int kCreated = 201;
constexpr int kNoContent = 204;

http::Response document(const json::value& value, int status = 200) {
  return {.status = status, .body = json::serialize(value)};
}

http::Response error_document(int status, const std::string& what) {
  return document(json::object{{"error", what}, {"status", status}}, status);
}

/// What a web page makes a browser send: no page on the Internet may change a developer's proxies.
bool is_from_browser(const http::Request& request) {
  return request.header("user-agent").starts_with("Mozilla/") || request.headers.contains("origin");
}

bool is_change(const std::string& method) {
  return method == "POST" || method == "PATCH";
}

[[noreturn]] void throw_method(const http::Request& request) {
  throw ApiError(405, "no method " + request.method + " for " + request.path);
}

std::vector<std::string> segments(const std::string& path) {
  std::vector<std::string> parts;
  for (const std::string& part : split(path, '/')) {
    if (!part.empty()) {
      parts.push_back(http::percent_decode(part));
    }
  }
  return parts;
}

}  // namespace

http::Response error_response(const std::exception& error) {
  if (const auto* refused = dynamic_cast<const ApiError*>(&error)) {
    return error_document(refused->status(), refused->what());
  }
  if (dynamic_cast<const http::TooLarge*>(&error) != nullptr) {
    return error_document(413, error.what());
  }
  if (dynamic_cast<const http::Refused*>(&error) != nullptr) {
    return error_document(403, "this proxy is another user's");
  }
  const auto* ours = dynamic_cast<const Error*>(&error);
  return error_document(ours != nullptr && ours->kind() == ErrorKind::Usage ? 400 : 500,
                        error.what());
}

asio::awaitable<http::Response> Api::handle(http::Request request) {
  if (is_from_browser(request)) {
    throw ApiError(403, "user agent not allowed");
  }
  const std::vector<std::string> path = segments(request.path);
  const std::string root = path.empty() ? "" : path.front();
  if (root == "proxies" && path.size() == 1) {
    co_return co_await handle_proxies(request);
  }
  if (root == "proxies" && path.size() == 2) {
    co_return co_await handle_proxy(request, path[1]);
  }
  if (root == "proxies" && path.size() <= 4 && path[2] == "toxics") {
    Proxy& proxy = collection_.get(path[1]);
    co_return path.size() == 3 ? handle_toxics(request, proxy)
                               : handle_toxic(request, proxy, path[3]);
  }
  if (path.size() != 1) {
    throw ApiError(404, "no such path '" + request.path + "'");
  }
  if (root == "populate" && request.method == "POST") {
    co_return co_await populate(request);
  }
  if (root == "reset" && request.method == "POST") {
    collection_.reset();
    co_return http::Response{.status = kNoContent};
  }
  if (root == "version" && request.method == "GET") {
    co_return document(json::object{{"version", kApiVersion}, {"tinet", TINET_VERSION}});
  }
  if (root == "metrics" && request.method == "GET") {
    co_return metrics();
  }
  if (root == "populate" || root == "reset" || root == "version" || root == "metrics") {
    throw_method(request);
  }
  throw ApiError(404, "no such path '" + request.path + "'");
}

asio::awaitable<http::Response> Api::handle_proxies(const http::Request& request) {
  if (request.method == "POST") {
    const Proxy* proxy = co_await collection_.create(parse_object(request.body));
    co_return document(proxy->to_json(), kCreated);
  }
  if (request.method != "GET") {
    throw_method(request);
  }
  json::object all;
  for (const auto& [name, proxy] : collection_.proxies()) {
    all[name] = proxy->to_json();
  }
  co_return document(all);
}

asio::awaitable<http::Response> Api::handle_proxy(const http::Request& request, std::string name) {
  if (is_change(request.method)) {
    static_cast<void>(collection_.get(name));
    const Proxy* proxy = co_await collection_.update(name, parse_object(request.body));
    co_return document(proxy->to_json());
  }
  if (request.method == "DELETE") {
    collection_.remove(name);
    co_return http::Response{.status = kNoContent};
  }
  if (request.method != "GET") {
    throw_method(request);
  }
  co_return document(collection_.get(name).to_json());
}

http::Response Api::handle_toxics(const http::Request& request, Proxy& proxy) {
  if (request.method == "POST") {
    return document(to_json(proxy.add_toxic(parse_toxic(parse_object(request.body)))));
  }
  if (request.method != "GET") {
    throw_method(request);
  }
  return document(proxy.toxics_json());
}

http::Response Api::handle_toxic(const http::Request& request, Proxy& proxy,
                                 const std::string& name) {
  if (is_change(request.method)) {
    static_cast<void>(proxy.toxic(name));
    return document(to_json(proxy.change_toxic(name, parse_object(request.body))));
  }
  if (request.method == "DELETE") {
    proxy.remove_toxic(name);
    return {.status = kNoContent};
  }
  if (request.method != "GET") {
    throw_method(request);
  }
  return document(to_json(proxy.toxic(name)));
}

asio::awaitable<http::Response> Api::populate(const http::Request& request) {
  const std::vector<Proxy*> present = co_await collection_.populate(parse_json(request.body));
  json::array proxies;
  for (const Proxy* proxy : present) {
    proxies.push_back(proxy->to_json());
  }
  co_return document(json::object{{"proxies", std::move(proxies)}}, kCreated);
}

http::Response Api::metrics() const {
  std::string received =
      "# HELP toxiproxy_proxy_received_bytes_total The total number of bytes received on a given "
      "proxy link in a given direction\n"
      "# TYPE toxiproxy_proxy_received_bytes_total counter\n";
  std::string sent =
      "# HELP toxiproxy_proxy_sent_bytes_total The total number of bytes sent on a given proxy "
      "link "
      "in a given direction\n"
      "# TYPE toxiproxy_proxy_sent_bytes_total counter\n";
  for (const auto& [name, proxy] : collection_.proxies()) {
    for (const Stream stream : {Stream::Upstream, Stream::Downstream}) {
      const proxy::Counters& count = proxy->count(stream);
      const std::string labels = "{direction=\"" + std::string(to_string(stream)) +
                                 "\",listener=\"" + proxy->spec().listen + "\",proxy=\"" + name +
                                 "\",upstream=\"" + proxy->spec().upstream + "\"} ";
      received += "toxiproxy_proxy_received_bytes_total" + labels +
                  std::to_string(count.bytes + count.discarded) + "\n";
      sent += "toxiproxy_proxy_sent_bytes_total" + labels + std::to_string(count.bytes) + "\n";
    }
  }
  return {.body = received + sent, .content_type = "text/plain; version=0.0.4"};
}

}  // namespace tinet::toxiproxy
