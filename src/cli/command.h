#pragma once
/// The words of the command line as plain data: every command declares its options here, and the
/// parser (parse.h), the help, the man page and the completions all read this one description.
/// Values stay text; the commands parse units and names themselves, because their errors must name
/// the option and a correct form.

#include <functional>
#include <list>
#include <string>
#include <variant>
#include <vector>

namespace tinet::cli {

/// What a value is, for shell completion.
enum class Completes { Nothing, File, Directory, Instance, Fault, Tag, Words, WordsOrFile };

struct ValueText {
  std::string value = {};  ///< name of the value in help, e.g. "DUR"
  std::string help = {};   ///< what it does, unit and default
  Completes completes = Completes::Nothing;
  std::vector<std::string> words = {};  ///< the possible values, for Completes::Words
  bool may_be_empty = false;            ///< an empty value means something (check_given())
};

/// One option or positional word and the variable it fills.
struct OptionSpec {
  enum class Arity { Flag, One, Many, OptionalValue };

  std::string names;  ///< "-f,--follow"; for a positional its name in help, "SELECTOR"
  Arity arity = Arity::One;
  bool positional = false;
  bool required = false;
  std::string implied = {};  ///< OptionalValue: the value when only the name was given
  ValueText text = {};
  std::variant<bool*, std::string*, std::vector<std::string>*> target;

  /// The long name, or the only one: what errors call it.
  [[nodiscard]] std::string long_name() const;
};

/// One command and its subcommands. The targets of its options must outlive the parsing.
struct Command {
  std::string name;
  std::string summary;      ///< one line
  std::string description;  ///< longer text behind the summary; may be empty
  std::vector<OptionSpec> options;
  std::vector<std::vector<std::string>> exclusives;  ///< at most one option of each group
  std::vector<std::string> examples;                 ///< each starts with "tinet"
  bool takes_program = false;                        ///< the words behind "--" are a program
  bool hidden = false;                               ///< not in help, man page and completions
  std::string section;                               ///< heading in the help of the parent
  std::function<int()> action;                       ///< runs when every word was understood
  /// Adds the options that depend on the first positional word (the topology of `start`).
  std::function<void(Command&, const std::string& first_word)> extend;
  std::list<Command> commands;  ///< a list, so that references stay valid
  std::string next_section;

  /// Adds a subcommand below the present heading.
  Command& add(const std::string& command, const std::string& one_line);
  /// The heading of the subcommands added from now on.
  void start_section(const std::string& heading) { next_section = heading; }
  [[nodiscard]] const Command* find(const std::string& command) const;
  [[nodiscard]] Command* find(const std::string& command);

  /// @param names e.g. "-f,--follow"
  void flag(const std::string& option, bool& variable, const std::string& help);
  void option(const std::string& option, std::string& variable, const ValueText& text);
  /// May be given several times, one value each.
  void option(const std::string& option, std::vector<std::string>& variable, const ValueText& text);
  /// An option whose value may be left out ("--verify", "--verify=5s").
  void optional_value(const std::string& option, std::string& variable,
                      const std::string& implied_value, const ValueText& text);
  void positional(const std::string& word, std::string& variable, const ValueText& text);
  void required(const std::string& word, std::string& variable, const ValueText& text);
  /// Any number of words.
  void rest(const std::string& word, std::vector<std::string>& variable, const ValueText& text);
};

/// @param given long names of the options that were given, each once
/// @throws Error Usage when two of them exclude each other
void check_exclusives(const Command& command, const std::vector<std::string>& given);

}  // namespace tinet::cli
