#pragma once
/// The verbs that make faults. Each is a value: how it is described, which options it has besides
/// the common ones, and what its words mean. The command line and files of faults read the same
/// description, so that both know the same words.

#include <string>
#include <string_view>
#include <vector>

#include "src/api/requests.h"
#include "src/cli/command.h"
#include "src/cli/fault_words.h"

namespace tinet::cli {

struct FaultVerb {
  std::string name;   ///< also the kind of the fault
  std::string value;  ///< what follows the selector in help, "DURATION"; empty: nothing does
  std::string value_help;
  std::string summary;
  std::string description;
  std::vector<std::string> examples;
  /// Whether a kind of network can fill in what happens; where nothing arrives, none can.
  bool takes_profile = true;
  /// Declares the verb's own options.
  void (*add_options)(Command& command, FaultWords& words);
  /// Reads them and the value (empty when it was left out) into a request that already has the
  /// common words and what the profile says: only what is given is changed. @throws Error Usage
  void (*read)(const FaultWords& words, api::FaultRequest& request);
};

[[nodiscard]] FaultVerb partition_verb();
[[nodiscard]] FaultVerb delay_verb();
[[nodiscard]] FaultVerb loss_verb();
[[nodiscard]] FaultVerb duplicate_verb();
[[nodiscard]] FaultVerb corrupt_verb();
[[nodiscard]] FaultVerb reorder_verb();
[[nodiscard]] FaultVerb rate_verb();
[[nodiscard]] FaultVerb flap_verb();
[[nodiscard]] FaultVerb hold_verb();

/// All of them, in the order of the help.
[[nodiscard]] const std::vector<FaultVerb>& fault_verbs();

/// Declares all words of the verb on `command`.
void describe_fault(const FaultVerb& verb, Command& command, FaultWords& words);

/// What the words ask for. Profiles fill what they leave out; all that can be judged without a
/// cluster is checked.
/// @param command as made by describe_fault() with the same words: gives the summary its order
/// @param matrix of the zones, when it is not in a file of its own
/// @throws Error Usage
[[nodiscard]] api::FaultRequest make_fault_request(const FaultVerb& verb, const Command& command,
                                                   FaultWords words,
                                                   std::vector<api::MatrixCell> matrix = {});

/// The one who says "'tinet delay' needs ...", with the verb's first example as hint.
[[noreturn]] void throw_missing(const std::string& verb, const std::string& what);

}  // namespace tinet::cli
