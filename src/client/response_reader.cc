#include "src/client/response_reader.h"

#include <limits>
#include <utility>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/none.hpp>

#include "src/base/error.h"

namespace tinet {

namespace http = boost::beast::http;

struct ResponseReader::Parser {
  http::response_parser<http::string_body> response;
  std::string pending;
};

ResponseReader::ResponseReader() : parser_(std::make_unique<Parser>()) {
  parser_->response.eager(true);
  // The supervisor is trusted: the status of a thousand instances may be large.
  parser_->response.body_limit(boost::none);
}

ResponseReader::~ResponseReader() = default;

bool ResponseReader::feed(std::string_view bytes) {
  auto& [response, pending] = *parser_;
  pending += bytes;
  while (!response.is_done() && !pending.empty()) {
    boost::system::error_code error;
    const auto taken = response.put(boost::asio::buffer(pending), error);
    pending.erase(0, taken);
    if (error == http::error::need_more) {
      break;
    }
    if (error) {
      throw_operation("cannot understand the supervisor's answer: " + error.message());
    }
  }
  return response.is_done();
}

bool ResponseReader::feed_end() {
  auto& response = parser_->response;
  boost::system::error_code error;
  if (response.is_header_done() && !response.is_done()) {
    response.put_eof(error);
  }
  return !error && response.is_done();
}

unsigned ResponseReader::status() const {
  const auto& response = parser_->response;
  return response.is_header_done() ? response.get().result_int() : 0;
}

std::string ResponseReader::take_body() {
  return std::exchange(parser_->response.get().body(), {});
}

bool ResponseReader::take_line(std::string& line) {
  auto& body = parser_->response.get().body();
  const auto end = body.find('\n');
  if (end == std::string::npos) {
    return false;
  }
  line = body.substr(0, end);
  body.erase(0, end + 1);
  return true;
}

}  // namespace tinet
