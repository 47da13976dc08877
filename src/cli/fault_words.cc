#include "src/cli/fault_words.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/base/units.h"
#include "src/cli/profiles.h"
#include "src/cli/words.h"
#include "src/model/traffic.h"

namespace tinet::cli {

namespace {

const std::vector<std::string> kDirections = {"both", "in", "out"};
const std::vector<std::string> kProtocols = {"tcp", "udp", "icmp"};
constexpr const char* kVerifyDefault = "500ms";
constexpr std::int64_t kPortMax = 65535;

std::vector<std::uint16_t> parse_ports(const std::string& text) {
  std::vector<std::uint16_t> ports;
  for (const auto& part : split(text, ',')) {
    ports.push_back(
        static_cast<std::uint16_t>(parse_number(std::string(trim(part)), "--port", 1, kPortMax)));
  }
  std::sort(ports.begin(), ports.end());
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  return ports;
}

void read_links(const FaultWords& words, api::FaultRequest& request) {
  if (!words.from.empty() || !words.to.empty()) {
    request.peers = words.from.empty() ? words.to : words.from;
  }
  if (!words.direction.empty()) {
    check_word(words.direction, "--direction", kDirections);
    request.direction = words.direction;
  }
  request.each = words.each;
  if (!words.between.empty()) {
    check_word(words.between, "--between", {"zones"});
    request.between_zones = true;
  }
}

void read_packets(const FaultWords& words, api::FaultRequest& request) {
  request.service = words.service;
  request.ports = parse_ports(words.ports);
  if (!words.protocol.empty()) {
    check_word(words.protocol, "--proto", kProtocols);
    request.protocol = words.protocol;
  }
  request.packets = words.packets;
  if (words.only_new) {
    request.connections = "new";
  } else if (words.established) {
    request.connections = "established";
  }
  if (!words.first.empty()) {
    request.first = static_cast<std::uint32_t>(parse_number(words.first, "--first", 1, kFirstMax));
  }
  if (!words.after_bytes.empty()) {
    request.after_bytes = parse_size(words.after_bytes, "--after-bytes");
  }
}

}  // namespace

void add_link_options(Command& command, FaultWords& words) {
  command.option("--from", words.from,
                 {.value = "PEERS",
                  .help = "only the links with these (default: with all others)",
                  .completes = Completes::Instance});
  command.option(
      "--to", words.to,
      {.value = "PEERS", .help = "the same as --from", .completes = Completes::Instance});
  command.option("--direction", words.direction,
                 {.value = "WHICH",
                  .help = "out: what the selected send, in: what they receive (default both); with "
                          "--service or --port: connections that they open, or that are opened to "
                          "them, with their replies",
                  .completes = Completes::Words,
                  .words = kDirections});
  command.flag("--each", words.each, "also the links between the selected instances");
  command.option("--between", words.between,
                 {.value = "zones",
                  .help = "the links between instances of different zones",
                  .completes = Completes::Words,
                  .words = {"zones"}});
  command.exclusives.push_back({"--from", "--to"});
}

void add_packet_options(Command& command, FaultWords& words) {
  command.option(
      "--service", words.service,
      {.value = "NAME",
       .help = "only connections to this service (peer, client, ...) of whoever listens"});
  command.option("--port", words.ports,
                 {.value = "N,N", .help = "only connections to these ports, 1 to 65535"});
  command.option("--proto", words.protocol,
                 {.value = "NAME",
                  .help = "only tcp, udp or icmp",
                  .completes = Completes::Words,
                  .words = kProtocols});
  command.flag("--packets", words.packets,
               "with --service or --port: --direction speaks of packets, not of connections");
  command.flag("--new", words.only_new, "only connection requests (SYN without ACK)");
  command.flag("--established", words.established, "only the TCP connections that are open now");
  command.option("--first", words.first,
                 {.value = "N",
                  .help = "only the first N (1 to " + std::to_string(kFirstMax) +
                          ") of these packets on each link"});
  command.option("--after-bytes", words.after_bytes,
                 {.value = "SIZE",
                  .help = "only once so much has passed on the link: 4096, 64kb (1000), 64kib "
                          "(1024)"});
  command.exclusives.insert(
      command.exclusives.end(),
      {{"--service", "--port"}, {"--new", "--established"}, {"--first", "--after-bytes"}});
}

void add_profile_option(Command& command, FaultWords& words) {
  command.option("--profile", words.profile,
                 {.value = "NAME",
                  .help = "what is not given is that of a kind of network: wan-eu-us, 3g, ... "
                          "('tinet faults --profiles' lists them)",
                  .completes = Completes::Words,
                  .words = profile_names()});
}

void add_course_options(Command& command, FaultWords& words) {
  command.option("--for", words.duration,
                 {.value = "DUR", .help = "the kernel ends the fault after this long, e.g. 30s"});
  command.option(
      "--seed", words.seed,
      {.value = "N",
       .help = "makes chance repeatable: the same packets in the same order meet the same "
               "fate"});
  command.flag("--dry-run", words.dry_run, "show the transaction, change nothing");
  command.flag("--explain", words.explain, "also list every link and the mechanism");
  command.optional_value(
      "--verify", words.verify, kVerifyDefault,
      {.value = "DUR",
       .help = "probe every affected pair for at most this long (default 500ms); status 1 when one "
               "is not as intended"});
  command.exclusives.push_back({"--dry-run", "--verify"});
}

void read_common_words(const FaultWords& words, api::FaultRequest& request) {
  read_links(words, request);
  read_packets(words, request);
  request.for_ms = optional_ms(words.duration, "--for");
  request.seed = optional_seed(words.seed);
  request.verify_ms = optional_ms(words.verify, "--verify");
  request.dry_run = words.dry_run;
}

}  // namespace tinet::cli
