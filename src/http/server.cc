#include "src/http/server.h"

#include <list>
#include <sstream>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "src/base/scope_exit.h"

namespace tinet::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using Message = beast::http::request<beast::http::string_body>;
using Reply = beast::http::response<beast::http::string_body>;

namespace {

/// Pause after accept(2) failed for want of descriptors or memory.
constexpr std::chrono::milliseconds kAcceptRetry{50};

Request plain(const Message& message) {
  const auto target = message.target();
  Request request = parse_target({target.data(), target.size()});
  request.method = std::string(message.method_string());
  request.body = message.body();
  for (const auto& field : message) {
    std::string name(field.name_string());
    for (char& letter : name) {
      letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    }
    request.headers[name] = std::string(field.value());
  }
  return request;
}

}  // namespace

/// What connections hold on to; outlives the Server when they do.
struct Server::Shared {
  Shared(Handler answers, ServerOptions how, const asio::any_io_executor& executor)
      : handler(std::move(answers)), options(std::move(how)), room(executor) {}

  Handler handler;
  ServerOptions options;
  bool closed = false;
  asio::steady_timer room;  ///< cancelled when a connection ends
  std::list<tcp::acceptor> acceptors;
  std::list<beast::tcp_stream> connections;

  asio::awaitable<Response> answer(const Message& message) const;
  [[nodiscard]] Reply wire(Response response, unsigned version, bool keep_alive) const;
  [[nodiscard]] bool admits(const tcp::socket& socket) const;
  void turn_away(tcp::socket& socket) const;
  static asio::awaitable<void> accept(std::shared_ptr<Shared> shared, tcp::acceptor& acceptor);
  static asio::awaitable<void> serve(std::shared_ptr<Shared> shared, tcp::socket socket, Fate fate);
  asio::awaitable<void> refuse(beast::tcp_stream& stream, error_code why) const;
};

asio::awaitable<Response> Server::Shared::answer(const Message& message) const {
  try {
    Request request = plain(message);
    co_return co_await handler(std::move(request));
  } catch (const std::exception& error) {
    co_return options.on_error(error);
  }
}

Reply Server::Shared::wire(Response response, unsigned version, bool keep_alive) const {
  Reply message(static_cast<beast::http::status>(response.status), version);
  message.set(beast::http::field::server, options.name);
  if (!response.body.empty()) {
    message.set(beast::http::field::content_type, response.content_type);
  }
  message.body() = std::move(response.body);
  message.keep_alive(keep_alive);
  message.prepare_payload();
  return message;
}

bool Server::Shared::admits(const tcp::socket& socket) const {
  if (!options.may_use) {
    return true;
  }
  error_code gone;
  const ConnectionEnds ends{socket.remote_endpoint(gone), socket.local_endpoint(gone)};
  return !gone && options.may_use(ends);
}

/// Answers what was not read, and waits for nothing: an answer always fits into a new connection.
void Server::Shared::turn_away(tcp::socket& socket) const {
  constexpr unsigned kVersion = 11;
  std::ostringstream text;
  text << wire(options.on_error(Refused()), kVersion, false);
  error_code error;
  socket.non_blocking(true, error);
  socket.write_some(asio::buffer(text.str()), error);
  socket.shutdown(tcp::socket::shutdown_send, error);
}

asio::awaitable<void> Server::Shared::accept(std::shared_ptr<Shared> shared,
                                             tcp::acceptor& acceptor) {
  while (!shared->closed) {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    if (shared->connections.size() >= shared->options.connections_max) {
      shared->room.expires_at(asio::steady_timer::time_point::max());
      co_await shared->room.async_wait(token);
      continue;
    }
    tcp::socket socket = co_await acceptor.async_accept(token);
    if (shared->closed) {
      break;
    }
    if (error) {
      asio::steady_timer pause(acceptor.get_executor(), kAcceptRetry);
      co_await pause.async_wait(token);
      continue;
    }
    if (!shared->admits(socket)) {
      shared->turn_away(socket);
      continue;
    }
    const Fate fate = shared->options.draw_fate ? shared->options.draw_fate() : Fate::Serve;
    if (fate != Fate::Discard) {
      asio::co_spawn(acceptor.get_executor(), serve(shared, std::move(socket), fate),
                     asio::detached);
    }
  }
}

asio::awaitable<void> Server::Shared::serve(std::shared_ptr<Shared> shared, tcp::socket socket,
                                            Fate fate) {
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  socket.set_option(tcp::no_delay(true), error);
  const auto place = shared->connections.emplace(shared->connections.end(), std::move(socket));
  const ScopeExit leave([&] {
    shared->connections.erase(place);
    shared->room.cancel();
  });
  beast::tcp_stream& stream = *place;
  const ServerOptions& options = shared->options;
  beast::flat_buffer buffer;
  while (!shared->closed) {
    beast::http::request_parser<beast::http::string_body> parser;
    parser.body_limit(options.body_bytes_max);
    stream.expires_after(options.idle_timeout);
    co_await beast::http::async_read(stream, buffer, parser, token);
    if (error) {
      co_await shared->refuse(stream, error);
      break;
    }
    Response answer = co_await shared->answer(parser.get());
    if (fate == Fate::Mute || shared->closed) {
      break;
    }
    const bool keep_alive = parser.get().keep_alive() && options.keep_alive;
    Reply message = shared->wire(std::move(answer), parser.get().version(), keep_alive);
    stream.expires_after(options.idle_timeout);
    co_await beast::http::async_write(stream, message, token);
    if (error || !keep_alive) {
      break;
    }
  }
  stream.socket().shutdown(tcp::socket::shutdown_send, error);
}

/// Tells a client what is wrong with its request; other errors have nobody to be told.
asio::awaitable<void> Server::Shared::refuse(beast::tcp_stream& stream, error_code why) const {
  namespace http = beast::http;
  if (why.category() != http::make_error_code(http::error::end_of_stream).category() ||
      why == http::error::end_of_stream || why == http::error::partial_message) {
    co_return;
  }
  const bool is_too_large = why == http::error::body_limit || why == http::error::header_limit;
  Response response =
      is_too_large
          ? options.on_error(TooLarge())
          : options.on_error(Error(ErrorKind::Usage, "malformed request: " + why.message()));
  constexpr unsigned kVersion = 11;
  Reply message = wire(std::move(response), kVersion, false);
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  stream.expires_after(options.idle_timeout);
  co_await http::async_write(stream, message, token);
}

Server::Server(asio::any_io_executor executor, Handler handler, ServerOptions options)
    : executor_(executor),
      shared_(std::make_shared<Shared>(std::move(handler), std::move(options), executor)) {}

Server::~Server() {
  shared_->closed = true;
  error_code ignored;
  for (tcp::acceptor& acceptor : shared_->acceptors) {
    acceptor.close(ignored);
  }
  for (beast::tcp_stream& connection : shared_->connections) {
    connection.close();
  }
  shared_->room.cancel();
}

tcp::endpoint Server::listen(const tcp::endpoint& address) {
  try {
    tcp::acceptor acceptor(executor_);
    acceptor.open(address.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(address);
    acceptor.listen();
    const tcp::endpoint bound = acceptor.local_endpoint();
    shared_->acceptors.push_back(std::move(acceptor));
    asio::co_spawn(executor_, Shared::accept(shared_, shared_->acceptors.back()), asio::detached);
    return bound;
  } catch (const boost::system::system_error& error) {
    std::ostringstream where;
    where << address;
    const std::string what = "cannot listen on '" + where.str() + "': " + error.code().message();
    if (error.code() == asio::error::address_in_use) {
      throw_conflict(what, "another program has it, see 'ss -ltnp'");
    }
    throw_operation(what);
  }
}

}  // namespace tinet::http
