#pragma once
/// The words of a fault as text, typed on the command line or written in a file, and the request
/// they come to. The options that every fault verb has are declared and read here and nowhere else;
/// what single verbs have besides is in verb_*.cc.

#include <functional>
#include <string>
#include <vector>

#include "src/api/requests.h"
#include "src/cli/caller_files.h"
#include "src/cli/command.h"

namespace tinet::cli {

/// Everything empty or false: not given.
struct FaultWords {
  std::vector<std::string> selector;  ///< "a / b" may come as three words
  std::string value;                  ///< the word behind the selector: DURATION, PERCENT, BITRATE

  // Who is meant.
  std::string from;
  std::string to;
  std::string direction;
  bool each = false;
  std::string between;
  // Which packets.
  std::string service;
  std::string ports;
  std::string protocol;
  bool packets = false;
  bool only_new = false;
  bool established = false;
  std::string first;
  std::string after_bytes;
  // How long, by which chance, and what is shown.
  std::string profile;
  std::string duration;
  std::string seed;
  bool dry_run = false;
  bool explain = false;
  std::string verify;
  // Of single verbs.
  std::string shape;         ///< partition
  std::string mode;          ///< partition, flap
  std::string jitter;        ///< delay
  std::string distribution;  ///< delay: a name or a file
  std::string correlation;   ///< delay
  bool rtt = false;          ///< delay
  std::string matrix;        ///< delay: a file
  std::string burst;         ///< loss: "P,R"
  bool lost_reply = false;   ///< loss
  bool silent = false;       ///< corrupt
  std::string wait;          ///< reorder: how long the overtaken packets wait
  std::string burst_size;    ///< rate
  std::string queue;         ///< rate
  std::string down;          ///< flap
  std::string up;            ///< flap
  std::string times;         ///< flap

  /// Reads a file that the words name; the option names it in errors.
  std::function<std::string(const std::string& name, const std::string& option)> read_file =
      read_callers_file;
};

/// --from, --to, --direction, --each, --between: which links.
void add_link_options(Command& command, FaultWords& words);
/// --service ... --after-bytes: which of their packets.
void add_packet_options(Command& command, FaultWords& words);
/// --profile: a kind of network.
void add_profile_option(Command& command, FaultWords& words);
/// --for ... --verify.
void add_course_options(Command& command, FaultWords& words);

/// Takes over what the options above say, and checks units, ranges and names.
/// @throws Error Usage naming the option
void read_common_words(const FaultWords& words, api::FaultRequest& request);

}  // namespace tinet::cli
