#include "src/refstore/flags.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <map>

#include <CLI/CLI.hpp>

#include "src/base/error.h"
#include "src/base/text.h"

namespace tinet::refstore {
namespace {

constexpr std::array<std::pair<Program, std::string_view>, 3> kPrograms = {
    {{Program::Pd, "pd-server"}, {Program::Tikv, "tikv-server"}, {Program::Tidb, "tidb-server"}}};

/// One program's flags: those with a meaning are bound to variables, the others are only accepted.
class FlagSet {
 public:
  explicit FlagSet(CommonFlags& common) : common_(common) {
    app_.allow_extras(false);
    app_.set_help_flag();
    app_.add_flag("-V,--version", common.print_version);
    app_.add_option("--log-file", common.log_file);
    app_.add_option("--config,-C", config_);
  }

  void text(const std::string& names, std::string& value) { app_.add_option(names, value); }

  /// Flags that mean something to the real program and nothing here.
  void accept(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      app_.add_option(name, ignored_[name])->expected(0, 1);
    }
  }

  void parse(std::vector<std::string> words) {
    // CLI11 reads "--flag=" as a flag that lacks its value; the programs read it as an empty one.
    std::erase_if(words, [](const std::string& word) {
      return word.starts_with("--") && word.ends_with('=') && word.find('=') + 1 == word.size();
    });
    std::reverse(words.begin(), words.end());
    try {
      app_.parse(words);
    } catch (const CLI::ParseError& error) {
      throw_usage(error.what());
    }
    read_environment();
    if (!config_.empty()) {
      read_config();
    }
  }

 private:
  void set_seed(std::string_view text, std::string_view what) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), common_.seed);
    if (error != std::errc() || end != text.data() + text.size()) {
      throw_usage(std::string(what) + ": '" + std::string(text) + "' is not a number");
    }
  }

  void read_environment() {
    if (const char* on = std::getenv("TINET_REFSTORE_UNRELIABLE")) {
      common_.unreliable = std::string_view(on) == "1";
    }
    if (const char* seed = std::getenv("TINET_REFSTORE_SEED")) {
      set_seed(seed, "TINET_REFSTORE_SEED");
    }
  }

  /// The real programs' settings mean nothing here; only the section [refstore] is looked at.
  void read_config() {
    std::ifstream file(config_);
    if (!file) {
      throw_usage("--config: cannot read '" + config_ + "'");
    }
    std::string section;
    for (std::string line; std::getline(file, line);) {
      const std::string_view text = trim(line);
      if (text.starts_with('[')) {
        section = text;
        continue;
      }
      const std::size_t equals = text.find('=');
      if (section != "[refstore]" || equals == std::string_view::npos) {
        continue;
      }
      const std::string_view key = trim(text.substr(0, equals));
      const std::string_view value = trim(text.substr(equals + 1));
      if (key == "unreliable") {
        common_.unreliable = value == "true";
      } else if (key == "seed") {
        set_seed(value, config_ + ": seed");
      }
    }
  }

  CommonFlags& common_;
  CLI::App app_;
  std::string config_;
  std::map<std::string, std::string> ignored_;
};

std::string first_of(const std::string& given, const std::string& fallback) {
  return given.empty() ? fallback : given;
}

/// The advertised address has to be one that others can connect to.
void refuse_wildcard(const Endpoint& endpoint, std::string_view what) {
  if (endpoint.host == "0.0.0.0" || endpoint.host == "::") {
    throw_usage(std::string(what) + ": '" + endpoint.text() + "' is no address of this server");
  }
}

}  // namespace

std::string_view program_name(Program program) {
  for (const auto& [known, name] : kPrograms) {
    if (known == program) {
      return name;
    }
  }
  return "";
}

std::optional<Program> program_from(std::string_view name) {
  for (const auto& [program, known] : kPrograms) {
    if (known == name) {
      return program;
    }
  }
  return std::nullopt;
}

PdServerOptions parse_pd_flags(const std::vector<std::string>& words, CommonFlags& common) {
  PdServerOptions options{.name = "pd"};
  std::string client_urls = "http://127.0.0.1:2379";
  std::string peer_urls = "http://127.0.0.1:2380";
  std::string advertise_client;
  std::string advertise_peer;
  FlagSet flags(common);
  flags.text("--name", options.name);
  flags.text("--data-dir", common.data_dir);
  flags.text("--client-urls", client_urls);
  flags.text("--advertise-client-urls", advertise_client);
  flags.text("--peer-urls", peer_urls);
  flags.text("--advertise-peer-urls", advertise_peer);
  flags.text("--initial-cluster", options.initial_cluster);
  flags.accept({"-L,--log-level", "--metrics-addr", "--cacert", "--cert", "--key"});
  flags.parse(words);

  options.data_dir = common.data_dir = first_of(common.data_dir, "default." + options.name);
  options.client = parse_endpoints(client_urls, "--client-urls");
  options.peer = parse_endpoints(peer_urls, "--peer-urls");
  options.advertise = split(first_of(advertise_client, client_urls), ',');
  for (const std::string& url : options.advertise) {
    refuse_wildcard(parse_endpoint(url, "--advertise-client-urls"), "--advertise-client-urls");
  }
  const std::string own_peer = first_of(advertise_peer, peer_urls);
  options.initial_cluster =
      first_of(options.initial_cluster, options.name + "=" + split(own_peer, ',').front());
  return options;
}

KvServerOptions parse_tikv_flags(const std::vector<std::string>& words, CommonFlags& common) {
  std::string addr = "127.0.0.1:20160";
  std::string advertise;
  std::string status;
  std::string advertise_status;
  std::string pd = "127.0.0.1:2379";
  std::string labels;
  FlagSet flags(common);
  flags.text("-A,--addr", addr);
  flags.text("--advertise-addr", advertise);
  flags.text("--status-addr", status);
  flags.text("--advertise-status-addr", advertise_status);
  flags.text("--pd,--pd-endpoints", pd);
  flags.text("--labels", labels);
  flags.text("-s,--data-dir", common.data_dir);
  flags.accept({"-L,--log-level", "--capacity", "--cacert", "--cert", "--key"});
  flags.parse(words);

  common.data_dir = first_of(common.data_dir, "default.tikv");
  KvServerOptions options{.listen = parse_endpoint(addr, "--addr")};
  const Endpoint advertised = parse_endpoint(first_of(advertise, addr), "--advertise-addr");
  refuse_wildcard(advertised, "--advertise-addr");
  options.advertise = advertised.text();
  options.pd = parse_endpoints(pd, "--pd");
  if (!status.empty()) {
    options.status = {parse_endpoint(status, "--status-addr")};
    options.advertise_status =
        parse_endpoint(first_of(advertise_status, status), "--advertise-status-addr").text();
  }
  for (const std::string& label : split(labels, ',')) {
    const std::size_t equals = label.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw_usage("--labels: '" + label + "' is not 'key=value'");
    }
    options.labels.emplace_back(label.substr(0, equals), label.substr(equals + 1));
  }
  return options;
}

FrontServerOptions parse_tidb_flags(const std::vector<std::string>& words, CommonFlags& common) {
  std::string store = "tikv";
  std::string path;
  std::string host = "0.0.0.0";
  std::string port = "4000";
  std::string advertise;
  std::string status_host = "0.0.0.0";
  std::string status_port = "10080";
  std::string report_status = "true";
  FlagSet flags(common);
  flags.text("--store", store);
  flags.text("--path", path);
  flags.text("--host", host);
  flags.text("-P", port);
  flags.text("--advertise-address", advertise);
  flags.text("--status", status_port);
  flags.text("--status-host", status_host);
  flags.text("--report-status", report_status);
  flags.accept({"--socket", "--temp-dir", "--log-slow-query", "-L", "--lease", "--run-ddl",
                "--token-limit", "--cors", "--enable-binlog"});
  flags.parse(words);

  if (common.print_version) {
    return {};
  }
  if (store != "tikv") {
    throw_usage("--store: '" + store + "' is not possible here", "use --store=tikv");
  }
  FrontServerOptions options{.listen = parse_endpoint(host + ":" + port, "--host and -P")};
  options.pd = parse_endpoints(path, "--path");
  options.advertise = first_of(advertise, host == "0.0.0.0" ? "127.0.0.1" : host);
  if (report_status != "false") {
    options.status = parse_endpoint(status_host + ":" + status_port, "--status-host and --status");
  }
  return options;
}

}  // namespace tinet::refstore
