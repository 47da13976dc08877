#pragma once
/// What every command is given: the global flags, where to print, and the caller's environment.
/// Results go to `out`, everything else to `err`, so that a pipe only ever carries results.

#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

namespace tinet::cli {

/// Flags that work before and after every command and its words.
struct GlobalOptions {
  std::string tag = "default";
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool no_color = false;
};

/// Where a command prints. Terminal means a person reads it: colours and live tables are allowed.
struct Streams {
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
};

class Context {
 public:
  Context(const Streams& streams, std::map<std::string, std::string> environment);

  /// Prints one line of JSON (a whole document) as the result.
  void print_json(const boost::json::value& document);
  /// Prints text as the result, as it is.
  void print(std::string_view text);
  /// "tinet: TEXT" for people on stderr; silent with --quiet.
  void note(std::string_view text);
  /// "tinet: warning: TEXT" on stderr; --quiet keeps it.
  void warn(std::string_view text);
  /// "tinet: TEXT" on stderr, with --verbose only.
  void detail(std::string_view text);

  /// A variable of the caller's environment; empty when unset.
  [[nodiscard]] std::string variable(const std::string& name) const;
  [[nodiscard]] const std::map<std::string, std::string>& environment() const noexcept {
    return environment_;
  }
  /// How a person calls tinet for this cluster: "tinet", or "tinet -T TAG".
  [[nodiscard]] std::string tinet() const;
  /// True when results may be coloured (terminal, no --no-color, NO_COLOR unset, TERM not "dumb").
  [[nodiscard]] bool color() const;
  /// The same for stderr, where progress and errors go.
  [[nodiscard]] bool err_color() const;

  GlobalOptions globals;
  Streams streams;
  /// Everything behind "--", for the commands that run a program.
  std::vector<std::string> command;

 private:
  [[nodiscard]] bool colors_wanted() const;

  std::map<std::string, std::string> environment_;
};

/// The caller's environment as a map.
[[nodiscard]] std::map<std::string, std::string> current_environment();

}  // namespace tinet::cli
