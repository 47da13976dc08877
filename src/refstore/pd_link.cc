#include "src/refstore/pd_link.h"

#include <utility>

namespace tinet::refstore {

PdLink::PdLink(boost::asio::any_io_executor executor, std::vector<Endpoint> endpoints)
    : executor_(std::move(executor)),
      endpoints_(std::move(endpoints)),
      client_(std::make_unique<HttpClient>(executor_, endpoints_.front())) {}

boost::asio::awaitable<HttpReply> PdLink::request(std::string method, std::string path,
                                                  std::string body,
                                                  std::chrono::milliseconds timeout) {
  HttpRequest message;
  message.method = std::move(method);
  message.path = std::move(path);
  message.body = std::move(body);
  HttpReply reply = co_await client_->request(std::move(message), timeout);
  if (reply.status != 200 && endpoints_.size() > 1) {
    index_ = (index_ + 1) % endpoints_.size();
    client_ = std::make_unique<HttpClient>(executor_, endpoints_[index_]);
  }
  co_return reply;
}

}  // namespace tinet::refstore
