// duplicate, corrupt and reorder: something happens to a share of the packets.

#include "src/cli/action_words.h"
#include "src/cli/fault_verb.h"

namespace tinet::cli {

namespace {

constexpr const char* kShareHelp = "how many packets, e.g. 10% or 0.5%";
/// Packets can only overtake those that wait, so reordering brings a wait of its own.
constexpr const char* kReorderWait = "10ms";

std::uint32_t read_share(const char* verb, const FaultWords& words) {
  if (words.value.empty()) {
    throw_missing(verb, "PERCENT");
  }
  return parse_share_ppm(words.value, "PERCENT");
}

void add_nothing(Command& /*command*/, FaultWords& /*words*/) {}

void read_duplicate(const FaultWords& words, api::FaultRequest& request) {
  request.action.duplicate_ppm = read_share("duplicate", words);
}

void add_corrupt_options(Command& command, FaultWords& words) {
  command.flag("--silent", words.silent,
               "the checksum is made to fit, so that the receiver does not notice");
}

void read_corrupt(const FaultWords& words, api::FaultRequest& request) {
  request.action.corrupt_ppm = read_share("corrupt", words);
  request.action.silent = words.silent;
}

void add_reorder_options(Command& command, FaultWords& words) {
  command.option("--delay", words.wait,
                 {.value = "DUR",
                  .help = "how long the packets wait that are overtaken (default 10ms, or that of "
                          "--profile)"});
}

void read_reorder(const FaultWords& words, api::FaultRequest& request) {
  request.action.reorder_ppm = read_share("reorder", words);
  if (!words.wait.empty()) {
    request.action.delay_ns = parse_wait_ns(words.wait, "--delay");
  } else if (words.profile.empty()) {
    request.action.delay_ns = parse_wait_ns(kReorderWait, "--delay");
  }
}

}  // namespace

FaultVerb duplicate_verb() {
  return {.name = "duplicate",
          .value = "PERCENT",
          .value_help = kShareHelp,
          .summary = "deliver packets twice",
          .description =
              "The given share of the packets arrives twice. TCP and QUIC drop the copy; "
              "protocols on UDP must do so themselves.",
          .examples = {"tinet duplicate tikv-0 5%", "tinet duplicate all 1% --proto udp --for 1m"},
          .add_options = add_nothing,
          .read = read_duplicate};
}

FaultVerb corrupt_verb() {
  return {.name = "corrupt",
          .value = "PERCENT",
          .value_help = kShareHelp,
          .summary = "damage packets",
          .description =
              "A byte of the payload of the given share of the packets is changed. The receiver's "
              "checksum notices and drops the packet, unless --silent is given: then the program "
              "reads wrong data.",
          .examples = {"tinet corrupt tikv-0 1%", "tinet corrupt etcd-0 0.1% --silent --port 2380"},
          .add_options = add_corrupt_options,
          .read = read_corrupt};
}

FaultVerb reorder_verb() {
  return {
      .name = "reorder",
      .value = "PERCENT",
      .value_help = kShareHelp,
      .summary = "let packets overtake others",
      .description =
          "All packets of the links wait, and the given share of them does not, so it overtakes "
          "those that do. Nothing is lost.",
      .examples = {"tinet reorder tikv-0 25%", "tinet reorder all 5% --delay 50ms --proto udp"},
      .add_options = add_reorder_options,
      .read = read_reorder};
}

}  // namespace tinet::cli
