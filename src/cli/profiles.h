#pragma once
/// Named kinds of networks for --profile: the file profiles.yaml, which the build puts into the
/// binary.

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "src/api/requests.h"

namespace tinet::cli {

struct Profile {
  std::string name;
  std::string about;        ///< one line
  api::ActionWords action;  ///< of one direction
};

/// All profiles, in the order of the file.
[[nodiscard]] const std::vector<Profile>& profiles();
[[nodiscard]] std::vector<std::string> profile_names();

/// @param what names the word in the error, e.g. "--profile"
/// @throws Error Usage with the nearest name
[[nodiscard]] const Profile& find_profile(const std::string& name, const std::string& what);

/// Reads the text of a profiles file. @throws Error Usage with the place
[[nodiscard]] std::vector<Profile> parse_profiles(std::string_view text, const std::string& file);

/// All profiles as a table, and as [{"name","about","delay_ns",..},..].
[[nodiscard]] std::string profiles_text(bool color);
[[nodiscard]] boost::json::value profiles_document();

}  // namespace tinet::cli
