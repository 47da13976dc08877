#include "src/refstore/http_client.h"

#include <optional>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "src/refstore/http_resolve.h"

namespace tinet::refstore {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

struct HttpClient::Connection {
  asio::any_io_executor executor;
  std::optional<beast::tcp_stream> stream;  ///< empty: not connected
  beast::flat_buffer buffer;

  asio::awaitable<HttpReply> exchange(const Endpoint& endpoint,
                                      http::request<http::string_body> message,
                                      std::chrono::milliseconds timeout);
};

asio::awaitable<HttpReply> HttpClient::Connection::exchange(
    const Endpoint& endpoint, http::request<http::string_body> message,
    std::chrono::milliseconds timeout) {
  if (stream) {
    stream->expires_after(timeout);
  } else {
    const tcp::endpoint address = resolve(endpoint);
    buffer.clear();
    stream.emplace(executor);
    stream->expires_after(timeout);
    co_await stream->async_connect(address, asio::use_awaitable);
    stream->socket().set_option(tcp::no_delay(true));
  }
  co_await http::async_write(*stream, message, asio::use_awaitable);
  http::response_parser<http::string_body> parser;
  parser.body_limit(kBodyBytesMax);
  co_await http::async_read(*stream, buffer, parser, asio::use_awaitable);
  if (!parser.get().keep_alive()) {
    stream.reset();
  }
  co_return HttpReply{
      static_cast<int>(parser.get().result_int()), std::move(parser.get().body()), {}};
}

HttpClient::HttpClient(const asio::any_io_executor& executor, Endpoint endpoint)
    : endpoint_(std::move(endpoint)), connection_(new Connection{executor, {}, {}}) {}

HttpClient::~HttpClient() = default;

asio::awaitable<HttpReply> HttpClient::request(HttpRequest request,
                                               std::chrono::milliseconds timeout) {
  http::request<http::string_body> message(http::string_to_verb(request.method), request.path, 11);
  message.set(http::field::host, endpoint_.text());
  message.set(http::field::content_type, "application/json");
  message.body() = std::move(request.body);
  message.prepare_payload();
  try {
    co_return co_await connection_->exchange(endpoint_, std::move(message), timeout);
  } catch (const boost::system::system_error& error) {
    connection_->stream.reset();
    co_return HttpReply{0, {}, error.code().message()};
  }
}

void HttpClient::abort() noexcept {
  if (connection_->stream) {
    // Closed, not only cancelled: what the request does next has to fail too.
    connection_->stream->close();
  }
}

}  // namespace tinet::refstore
