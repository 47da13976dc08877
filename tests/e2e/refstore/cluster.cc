#include "tests/e2e/refstore/cluster.h"

#include <filesystem>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>

#include "src/refstore/endpoint.h"

namespace tinet::refstore::test {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace json = boost::json;
using asio::ip::tcp;

namespace {

std::string free_address() {
  asio::io_context context;
  const tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  return "127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
}

std::string port_of(const std::string& address) {
  return address.substr(address.find(':') + 1);
}

}  // namespace

Reply request(const std::string& method, const std::string& address, const std::string& target,
              const std::string& body, std::chrono::milliseconds timeout) {
  asio::io_context context;
  beast::tcp_stream stream(context);
  stream.expires_after(timeout);
  const Endpoint endpoint = parse_endpoint(address, "address");
  http::request<http::string_body> message(http::string_to_verb(method), target, 11);
  message.set(http::field::host, address);
  message.body() = body;
  message.keep_alive(false);
  message.prepare_payload();
  beast::flat_buffer buffer;
  http::response<http::string_body> answer;
  bool answered = false;
  // Timeouts of Beast belong to asynchronous operations only.
  stream.async_connect(tcp::endpoint(asio::ip::make_address(endpoint.host), endpoint.port),
                       [&](auto refused) {
                         if (refused) {
                           return;
                         }
                         http::async_write(stream, message, [&](auto broken, std::size_t) {
                           if (broken) {
                             return;
                           }
                           http::async_read(stream, buffer, answer,
                                            [&](auto error, std::size_t) { answered = !error; });
                         });
                       });
  context.run();
  return answered ? Reply{static_cast<int>(answer.result_int()), answer.body()} : Reply{};
}

bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

Cluster::Cluster(bool unreliable, int pds) : unreliable_(unreliable) {
  std::string pattern = std::filesystem::temp_directory_path() / "refstore-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw std::runtime_error("cannot make a directory");
  }
  directory_ = pattern;
  for (int i = 0; i < pds; ++i) {
    pd_clients_.push_back(free_address());
    pd_peers_.push_back(free_address());
  }
  for (int i = 0; i < pds; ++i) {
    start_pd(i);
  }
  front_ = free_address();
  front_status_ = free_address();
  spawn("tidb-0",
        {"tidb-server", "--store=tikv", "--path=" + pd(), "-P", port_of(front_), "--host=127.0.0.1",
         "--status=" + port_of(front_status_), "--status-host=127.0.0.1"});
  if (!eventually([&] { return request("GET", front_status_, "/info").status == 200; })) {
    throw std::runtime_error("the front does not listen");
  }
}

Cluster::~Cluster() {
  while (!processes_.empty()) {
    stop(processes_.begin()->first, SIGKILL);
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void Cluster::start_pd(int index) {
  std::string initial;
  for (std::size_t i = 0; i < pd_peers_.size(); ++i) {
    initial += (i == 0 ? "pd-" : ",pd-") + std::to_string(i) + "=http://" + pd_peers_[i];
  }
  const std::string name = "pd-" + std::to_string(index);
  const auto at = static_cast<std::size_t>(index);
  spawn(name, {"pd-server", "--name=" + name, "--data-dir=" + directory_ + "/" + name,
               "--client-urls=http://" + pd_clients_.at(at),
               "--peer-urls=http://" + pd_peers_.at(at), "--initial-cluster=" + initial});
}

const Cluster::Ports& Cluster::ports(int index) {
  const auto [found, fresh] = servers_.try_emplace(index);
  if (fresh) {
    found->second = {free_address(), free_address()};
  }
  return found->second;
}

void Cluster::start_server(int index) {
  const std::string name = "tikv-" + std::to_string(index);
  std::string pds;
  for (const std::string& address : pd_clients_) {
    pds += (pds.empty() ? "" : ",") + address;
  }
  spawn(name,
        {"tikv-server", "--addr=" + ports(index).client, "--status-addr=" + ports(index).status,
         "--pd=" + pds, "--data-dir=" + directory_ + "/" + name});
}

void Cluster::spawn(const std::string& name, std::vector<std::string> words) {
  words.insert(words.begin(), TINET_REFSTORE_PROGRAM);
  std::vector<char*> arguments;
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  const std::string log = directory_ + "/" + name + ".log";
  const pid_t pid = ::fork();
  if (pid == 0) {
    static_cast<void>(::prctl(PR_SET_PDEATHSIG, SIGKILL));
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    static_cast<void>(::dup2(out, STDERR_FILENO));
    if (unreliable_) {
      static_cast<void>(::setenv("TINET_REFSTORE_UNRELIABLE", "1", 1));
    }
    static_cast<void>(::execv(arguments[0], arguments.data()));
    ::_exit(127);
  }
  processes_[name] = pid;
}

int Cluster::stop(const std::string& name, int signal) {
  int status = 0;
  const pid_t pid = processes_.at(name);
  static_cast<void>(::kill(pid, signal));
  static_cast<void>(::waitpid(pid, &status, 0));
  processes_.erase(name);
  return status;
}

std::string Cluster::server(int index) {
  return ports(index).client;
}

std::string Cluster::server_status(int index) {
  return ports(index).status;
}

int Cluster::member(const std::string& role) {
  const Reply reply = request("GET", pd(), "/refstore/view");
  if (reply.status != 200) {
    return -1;
  }
  const json::value view = json::parse(reply.body).at("view");
  for (const auto& [index, address] : servers_) {
    if (view.at(role).is_object() && view.at(role).at("address").as_string() == address.client) {
      return index;
    }
  }
  return -1;
}

std::uint64_t Cluster::view_number() {
  const Reply reply = request("GET", pd(), "/refstore/view");
  return reply.status == 200
             ? json::parse(reply.body).at("view").at("number").to_number<std::uint64_t>()
             : 0;
}

int Cluster::kill_primary() {
  const int index = primary();
  kill_server(index);
  return index;
}

bool Cluster::equal() {
  const int first = primary();
  const int second = backup();
  return first != -1 && second != -1 && state(first, "digest") == state(second, "digest");
}

bool Cluster::settled(bool with_backup) {
  const Reply reply = request("GET", pd(), "/refstore/view");
  if (reply.status != 200) {
    return false;
  }
  const json::value view = json::parse(reply.body);
  return view.at("acknowledged").as_bool() && view.at("synced").as_bool() == with_backup;
}

std::string Cluster::state(int index, const std::string& field) {
  const Reply reply = request("GET", server_status(index), "/refstore/state");
  return reply.status == 200 ? json::serialize(json::parse(reply.body).at(field)) : "";
}

Reply Cluster::get(const std::string& key, const std::string& query) {
  return request("GET", front_, "/kv/" + key + query);
}

Reply Cluster::put(const std::string& key, const std::string& value, const std::string& query) {
  return request("PUT", front_, "/kv/" + key + query, value);
}

}  // namespace tinet::refstore::test
