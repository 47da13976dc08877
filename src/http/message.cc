#include "src/http/message.h"

#include <charconv>

#include "src/base/error.h"
#include "src/base/text.h"

namespace tinet::http {

std::string_view Request::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

Request parse_target(std::string_view target) {
  Request request;
  const std::size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark == std::string_view::npos) {
    return request;
  }
  for (const std::string& pair : split(target.substr(mark + 1), '&')) {
    const std::size_t equals = pair.find('=');
    const std::string value = equals == std::string::npos ? "" : pair.substr(equals + 1);
    request.query[percent_decode(pair.substr(0, equals))] = percent_decode(value);
  }
  return request;
}

std::string percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    unsigned char byte = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (error != std::errc() || digits.size() != 2 || end != digits.data() + 2) {
      throw_usage("'" + std::string(text) + "' has a malformed percent escape");
    }
    decoded += static_cast<char>(byte);
    i += 2;
  }
  return decoded;
}

}  // namespace tinet::http
