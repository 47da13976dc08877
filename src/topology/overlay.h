#pragma once
/// Configuration files of the programs: the topology's settings with the user's file laid over them
/// key by key. TOML is read line by line ([table], key = value, dotted keys; values stay the text
/// they are, so whatever the program accepts is passed on); YAML goes through yaml-cpp.

#include <string>
#include <vector>

#include "src/topology/start_options.h"
#include "src/topology/topology.h"

namespace tinet {

/// A setting with its holes filled.
struct Setting {
  std::vector<std::string> key;
  std::string value;
  std::vector<std::string> elements;
  bool is_list = false;
  bool is_text = false;
};

/// The text of the file: settings, then what the user's file adds or replaces.
/// @param user nullptr when --X.config was not given
/// @param flag names the option in errors, e.g. "--tikv.config"
/// @throws Error Usage "FILE:LINE: ..." for a malformed user file, a key in `owned`, or a key given
///         twice
[[nodiscard]] std::string render_config(ConfigFormat format, const std::vector<Setting>& settings,
                                        const std::vector<std::string>& owned,
                                        const UserConfig* user, const std::string& flag);

}  // namespace tinet
