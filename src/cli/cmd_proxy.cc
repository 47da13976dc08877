// `tinet proxy`: Toxiproxy's API and the relay, without a cluster.

#include <csignal>
#include <exception>
#include <filesystem>
#include <random>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/cli/commands.h"
#include "src/cli/relay_api.h"
#include "src/cli/words.h"
#include "src/process/user.h"
#include "src/process/user_files.h"
#include "src/toxiproxy/server.h"

namespace tinet::cli {

namespace {

namespace asio = boost::asio;

struct ProxyFlags {
  std::string listen = "127.0.0.1:8474";
  std::string config;
  std::string seed;
  bool allow_remote = false;
  bool any_user = false;
};

std::uint64_t new_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32U) | device();
}

asio::awaitable<void> start(toxiproxy::Server& server, const ProxyFlags& flags, std::uint64_t seed,
                            Context& context) {
  std::size_t proxies = 0;
  if (!flags.config.empty()) {
    std::string text = read_file(RunAs{invoking_user()}, std::filesystem::absolute(flags.config));
    proxies = co_await server.populate(std::move(text));
  }
  const std::string url = "http://" + proxy::to_string(co_await server.listen(flags.listen));
  if (context.globals.json) {
    context.print_json(boost::json::value{{"api", url}, {"proxies", proxies}, {"seed", seed}});
  } else {
    context.print(url + "\n");
  }
  context.streams.out << std::flush;
  context.note("Toxiproxy API at " + url + ", " + std::to_string(proxies) +
               (proxies == 1 ? " proxy" : " proxies") + ", seed " + std::to_string(seed) +
               "; ^C ends it");
}

int run_proxy(const ProxyFlags& flags, Context& context) {
  proxy::raise_descriptor_limit();
  const std::uint64_t seed = optional_seed(flags.seed).value_or(new_seed());
  toxiproxy::ServerOptions options;
  options.collection = {.allow_remote = flags.allow_remote, .seed = seed};
  if (!flags.any_user && !flags.allow_remote) {
    options.may_use = only(invoking_user().uid);
  }
  if (flags.allow_remote) {
    context.warn("everybody who can reach this machine may use what listens on it");
  }

  asio::io_context io(1);
  toxiproxy::Server server(io.get_executor(), std::move(options));
  int status = 0;
  std::exception_ptr failure;
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](boost::system::error_code error, int signal) {
    if (!error) {
      status = signal == SIGINT ? exit_code(ErrorKind::Interrupted) : 0;
      io.stop();
    }
  });
  asio::co_spawn(io, start(server, flags, seed, context), [&](std::exception_ptr thrown) {
    if (thrown) {
      failure = std::move(thrown);
      io.stop();
    }
  });
  io.run();
  if (failure) {
    std::rethrow_exception(failure);
  }
  return status;
}

}  // namespace

void add_proxy(Command& root, Context& context) {
  auto flags = std::make_shared<ProxyFlags>();
  Command& command =
      root.add("proxy", "relay TCP connections and break them, by Toxiproxy's HTTP API");
  command.description =
      "A drop-in for Toxiproxy: its client libraries and command lines work unchanged. Needs no "
      "cluster and no privilege. Prints where the API listens, then runs until it is interrupted.";
  command.option("--listen", flags->listen,
                 {.value = "ADDRESS", .help = "of the API (default 127.0.0.1:8474; port 0: any)"});
  command.option("--config", flags->config,
                 {.value = "FILE",
                  .help = "proxies to begin with: a JSON array, as for POST /populate",
                  .completes = Completes::File});
  command.option("--seed", flags->seed,
                 {.value = "N", .help = "of all that toxics draw (default: another every time)"});
  command.flag("--any-user", flags->any_user,
               "let every user of this machine use the API (default: you and root)");
  command.flag("--allow-remote", flags->allow_remote,
               "let API and proxies listen on other than loopback addresses, for everybody");
  command.examples = {"tinet proxy", "tinet proxy --listen 127.0.0.1:0 --config proxies.json"};
  command.action = [flags, &context] { return run_proxy(*flags, context); };
}

}  // namespace tinet::cli
