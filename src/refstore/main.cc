/// tinet-refstore: the reference store in the roles of pd-server, tikv-server and tidb-server.

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <memory>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/refstore/flags.h"
#include "src/refstore/random_id.h"
#include "src/refstore/version.h"

namespace {

using namespace tinet::refstore;  // NOLINT(google-build-using-namespace): its program

constexpr std::string_view kLabel =
    "tinet's reference store, a stand-in that is not TiDB software, in the role of ";

int print_version(Program program) {
  std::cout << kLabel << program_name(program) << "\nRelease Version: " << kVersion << "\n";
  return 0;
}

/// Runs until a signal ends the program; which one decides the exit status, as with the real
/// programs: pd-server calls only SIGTERM a success, and tikv-server dies by SIGQUIT.
int run(boost::asio::io_context& context, Program program, const Log& log) {
  boost::asio::signal_set signals(context, SIGTERM, SIGINT, SIGHUP);
  if (program != Program::Tikv) {
    signals.add(SIGQUIT);
  }
  int received = 0;
  signals.async_wait([&](const boost::system::error_code& error, int signal) {
    if (!error) {
      received = signal;
      context.stop();
    }
  });
  context.run();
  log.info("stopped by signal " + std::to_string(received));
  return program == Program::Pd && received != SIGTERM ? 1 : 0;
}

std::unique_ptr<Log> open_log(const CommonFlags& common, Program program) {
  const auto directory = std::filesystem::path(common.log_file).parent_path();
  if (!directory.empty()) {
    std::filesystem::create_directories(directory);
  }
  auto log = std::make_unique<Log>(common.log_file);
  log->info(std::string(kLabel) + std::string(program_name(program)) + ", " + kVersion);
  return log;
}

int run_pd(const std::vector<std::string>& words) {
  CommonFlags common;
  PdServerOptions options = parse_pd_flags(words, common);
  if (common.print_version) {
    return print_version(Program::Pd);
  }
  const auto log = open_log(common, Program::Pd);
  boost::asio::io_context context(1);
  PdServer server(context.get_executor(), std::move(options), *log);
  server.start();
  return run(context, Program::Pd, *log);
}

int run_tikv(const std::vector<std::string>& words) {
  CommonFlags common;
  KvServerOptions options = parse_tikv_flags(words, common);
  if (common.print_version) {
    return print_version(Program::Tikv);
  }
  const auto log = open_log(common, Program::Tikv);
  prepare_data_dir(common.data_dir, "tikv", options.advertise);
  if (common.unreliable) {
    options.fates = std::make_shared<Unreliable>(common.seed);
    log->warn("unreliable on purpose, seed " + std::to_string(common.seed));
  }
  boost::asio::io_context context(1);
  KvServer server(context.get_executor(), std::move(options), random_id(), *log);
  server.start();
  return run(context, Program::Tikv, *log);
}

int run_tidb(const std::vector<std::string>& words) {
  CommonFlags common;
  FrontServerOptions options = parse_tidb_flags(words, common);
  if (common.print_version) {
    return print_version(Program::Tidb);
  }
  const auto log = open_log(common, Program::Tidb);
  boost::asio::io_context context(1);
  FrontServer server(context.get_executor(), std::move(options), *log);
  server.start();
  return run(context, Program::Tidb, *log);
}

int dispatch(std::vector<std::string> words) {
  auto program = program_from(std::filesystem::path(words.front()).filename().string());
  words.erase(words.begin());
  if (!program) {
    program = words.empty() ? std::nullopt : program_from(words.front());
    if (!program) {
      tinet::throw_usage("say which program to be",
                         "tinet-refstore pd-server|tikv-server|tidb-server FLAGS");
    }
    words.erase(words.begin());
  }
  switch (*program) {
    case Program::Pd:
      return run_pd(words);
    case Program::Tikv:
      return run_tikv(words);
    case Program::Tidb:
      return run_tidb(words);
  }
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return dispatch({argv, argv + argc});
  } catch (const tinet::Error& error) {
    std::cerr << "tinet-refstore: error: " << error.what() << "\n";
    if (!error.hint().empty()) {
      std::cerr << "tinet-refstore: hint: " << error.hint() << "\n";
    }
    return tinet::exit_code(error.kind());
  } catch (const std::exception& error) {
    std::cerr << "tinet-refstore: error: " << error.what() << "\n";
    return 1;
  }
}
