#include "tests/unit/toxiproxy/api_world.h"

#include <algorithm>
#include <future>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

namespace tinet::toxiproxy::test {

ApiWorld::ApiWorld(ServerOptions options)
    : server_(std::make_unique<Server>(io_.get_executor(), std::move(options))) {
  auto listening =
      boost::asio::co_spawn(io_, server_->listen("127.0.0.1:0"), boost::asio::use_future);
  thread_ = std::thread([this] { io_.run(); });
  api_ = listening.get();
}

ApiWorld::~ApiWorld() {
  io_.stop();
  thread_.join();
  server_.reset();
}

Answer ApiWorld::ask(const std::string& method, const std::string& path, const std::string& body,
                     const std::string& headers) {
  return call(api_, method, path, quoted(body), headers);
}

proxy::Endpoint ApiWorld::create(const std::string& name, const std::string& more) {
  const Answer answer = ask("POST", "/proxies",
                            "{'name':'" + name + "','listen':'127.0.0.1:0','upstream':'" +
                                upstream_text() + "'" + more + "}");
  EXPECT_EQ(answer.status, 201) << answer.body;
  return endpoint_of(answer.json().at("listen").as_string());
}

proxy::Endpoint ApiWorld::listens(const std::string& name) {
  return endpoint_of(ask("GET", "/proxies/" + name).json().at("listen").as_string());
}

void ApiWorld::add_toxic(const std::string& members) {
  const Answer answer = ask("POST", "/proxies/p/toxics", "{" + members + "}");
  ASSERT_EQ(answer.status, 200) << answer.body;
}

ApiWorld::Pair ApiWorld::connect(const std::string& name) {
  Pair pair;
  pair.client = dial(name);
  pair.service = upstream.accept();
  return pair;
}

std::string quoted(std::string text) {
  std::replace(text.begin(), text.end(), '\'', '"');
  return text;
}

proxy::Endpoint endpoint_of(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  return {boost::asio::ip::make_address(std::string(text.substr(0, colon))),
          static_cast<std::uint16_t>(std::stoi(std::string(text.substr(colon + 1))))};
}

}  // namespace tinet::toxiproxy::test
