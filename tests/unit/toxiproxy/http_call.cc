#include "tests/unit/toxiproxy/http_call.h"

#include "tests/unit/proxy/relay_world.h"

namespace tinet::toxiproxy::test {

boost::json::value Answer::json() const {
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(body, error);
  return error ? boost::json::value() : value;
}

Answer call_raw(const proxy::Endpoint& api, const std::string& bytes) {
  auto peer = proxy::test::Peer::connect(api);
  peer.send(bytes);
  const std::string text = peer.receive_all();
  Answer answer;
  // "HTTP/1.1 200 OK"
  answer.status = text.size() > 12 ? std::stoi(text.substr(9, 3)) : 0;
  const std::size_t head = text.find("\r\n\r\n");
  answer.body = head == std::string::npos ? "" : text.substr(head + 4);
  return answer;
}

Answer call(const proxy::Endpoint& api, const std::string& method, const std::string& path,
            const std::string& body, const std::string& headers) {
  std::string text = method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size());
  text += "\r\n" + headers + "\r\n" + body;
  return call_raw(api, text);
}

}  // namespace tinet::toxiproxy::test
