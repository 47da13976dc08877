#include "src/supervisor/probe.h"

#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "src/base/units.h"

namespace tinet {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {

constexpr std::uint64_t kBodyLimit = 8ULL << 20;

std::string reason(const boost::system::error_code& error, std::chrono::milliseconds timeout) {
  if (error == beast::error::timeout) {
    return "no answer within " + format_duration(timeout);
  }
  std::string text = error.message();
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') {
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  }
  return text;
}

asio::awaitable<boost::system::error_code> connect(beast::tcp_stream& stream, UniqueFd socket,
                                                   Ipv4 address, std::uint16_t port) {
  boost::system::error_code error;
  stream.socket().assign(asio::ip::tcp::v4(), socket.get(), error);
  if (error) {
    co_return error;
  }
  static_cast<void>(socket.release());
  const asio::ip::tcp::endpoint endpoint(asio::ip::address_v4(address.value), port);
  co_await stream.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
  co_return error;
}

}  // namespace

asio::awaitable<HttpAnswer> ask_http(UniqueFd socket, Ipv4 address, std::uint16_t port, HttpAsk ask,
                                     std::chrono::milliseconds timeout) {
  HttpAnswer answer;
  const auto executor = co_await asio::this_coro::executor;
  beast::tcp_stream stream(executor);
  stream.expires_after(timeout);
  boost::system::error_code error = co_await connect(stream, std::move(socket), address, port);
  if (error) {
    answer.error = reason(error, timeout);
    co_return answer;
  }
  http::request<http::string_body> request;
  request.method_string(ask.method);
  request.target(ask.path);
  request.version(11);
  request.set(http::field::host, to_string(address) + ":" + std::to_string(port));
  request.set(http::field::connection, "close");
  for (const auto& [name, value] : ask.headers) {
    request.set(name, value);
  }
  request.body() = std::move(ask.body);
  request.prepare_payload();
  co_await http::async_write(stream, request, asio::redirect_error(asio::use_awaitable, error));
  if (error) {
    answer.error = reason(error, timeout);
    co_return answer;
  }
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kBodyLimit);
  co_await http::async_read(stream, buffer, parser,
                            asio::redirect_error(asio::use_awaitable, error));
  // A peer that ends the body by closing is complete, not broken.
  if (error && !parser.is_done()) {
    answer.error = reason(error, timeout);
    co_return answer;
  }
  auto response = parser.release();
  answer.status = static_cast<int>(response.result_int());
  answer.body = std::move(response.body());
  co_return answer;
}

asio::awaitable<std::string> ask_connect(UniqueFd socket, Ipv4 address, std::uint16_t port,
                                         std::chrono::milliseconds timeout) {
  const auto executor = co_await asio::this_coro::executor;
  beast::tcp_stream stream(executor);
  stream.expires_after(timeout);
  const boost::system::error_code error =
      co_await connect(stream, std::move(socket), address, port);
  co_return error ? reason(error, timeout) : std::string{};
}

}  // namespace tinet
