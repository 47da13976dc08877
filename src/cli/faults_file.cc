#include "src/cli/faults_file.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/cli/caller_files.h"
#include "src/cli/fault_verb.h"
#include "src/cli/words.h"
#include "src/cli/zone_matrix.h"
#include "src/topology/yaml_reader.h"

namespace tinet::cli {

namespace {

constexpr const char* kHint = "write for example '- {partition: tikv-0, for: 10s}'";
constexpr const char* kMatrix = "matrix";

struct Entry {
  std::string key;
  detail::YamlValue value;
};

/// Options that are about a run of the command line.
bool is_of_a_file(const OptionSpec& option) {
  const std::string name = option.long_name();
  return !option.positional && name != "--dry-run" && name != "--explain" && name != "--verify";
}

const OptionSpec* find_option(const Command& command, const std::string& key) {
  for (const auto& option : command.options) {
    if (is_of_a_file(option) && option.long_name() == "--" + key) {
      return &option;
    }
  }
  return nullptr;
}

bool knows(const FaultVerb& verb, const std::string& key) {
  FaultWords words;
  Command command;
  describe_fault(verb, command, words);
  return find_option(command, key) != nullptr;
}

/// One scalar, or a list of them as one text with commas.
std::string text_of(const detail::YamlValue& value) {
  return value.is_list() ? join(value.texts(), ",") : value.text();
}

/// One element of the list.
class FaultEntry {
 public:
  FaultEntry(const detail::YamlValue& value, const FileReader& read_file) : value_(value) {
    if (!value.is_map()) {
      value.fail("must be a mapping", kHint);
    }
    value.each_pair([&](const std::string& key, const detail::YamlValue& item) {
      entries_.push_back({key, item});
    });
    words_.read_file = read_file;
  }

  [[nodiscard]] api::FaultRequest read() {
    const FaultVerb& verb = choose_verb();
    describe_fault(verb, command_, words_);
    std::vector<api::MatrixCell> matrix;
    for (const auto& entry : entries_) {
      if (entry.key == verb.name) {
        words_.selector = words_of(entry);
      } else if (entry.key == kMatrix && entry.value.is_map()) {
        matrix = read_zone_matrix(entry.value);
      } else {
        set(entry, verb);
      }
    }
    try {
      check_exclusives();
      api::FaultRequest request = make_fault_request(verb, command_, words_, std::move(matrix));
      request.place = to_string(value_.place());
      return request;
    } catch (const Error& error) {
      fail(verb, error);
    }
  }

 private:
  /// A key that is a verb and an option of another one that is there too (reorder's delay) is the
  /// option.
  [[nodiscard]] const FaultVerb& choose_verb() const {
    std::vector<const FaultVerb*> there;
    for (const auto& verb : fault_verbs()) {
      if (has(verb.name)) {
        there.push_back(&verb);
      }
    }
    std::vector<const FaultVerb*> verbs;
    for (const FaultVerb* verb : there) {
      const bool is_option = std::any_of(there.begin(), there.end(), [&](const FaultVerb* other) {
        return other != verb && knows(*other, verb->name);
      });
      if (!is_option) {
        verbs.push_back(verb);
      }
    }
    if (verbs.size() > 1) {
      detail::fail_at(value_.place(),
                      "'" + verbs[0]->name + "' and '" + verbs[1]->name + "' in one fault",
                      "make two elements of the list, faults add up");
    }
    return verbs.empty() ? implied_verb() : *verbs.front();
  }

  [[nodiscard]] const FaultVerb& implied_verb() const {
    const auto& all = fault_verbs();
    const auto named = [&](std::string_view name) -> const FaultVerb& {
      return *std::find_if(all.begin(), all.end(),
                           [&](const FaultVerb& verb) { return verb.name == name; });
    };
    if (has(kMatrix)) {
      return named("delay");
    }
    if (has("between") || has("shape")) {
      return named("partition");
    }
    std::vector<std::string> names;
    for (const auto& verb : all) {
      names.push_back(verb.name);
    }
    for (const auto& entry : entries_) {
      if (const std::string meant = nearest(entry.key, names); !meant.empty()) {
        detail::fail_at(entry.value.place(), "unknown key '" + entry.key + "'",
                        "did you mean '" + meant + "'?");
      }
    }
    detail::fail_at(value_.place(), "a fault without a verb", kHint);
  }

  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }

  [[nodiscard]] const detail::YamlValue* find(std::string_view key) const {
    for (const auto& entry : entries_) {
      if (entry.key == key) {
        return &entry.value;
      }
    }
    return nullptr;
  }

  /// The words behind the verb, as on the command line. Nothing may follow it: "shape: halves".
  static std::vector<std::string> words_of(const Entry& entry) {
    std::vector<std::string> words;
    if (entry.value.node().IsNull()) {
      return words;
    }
    for (const auto& word : split(given(entry, entry.value.text()), ' ')) {
      if (!word.empty()) {
        words.push_back(word);
      }
    }
    return words;
  }

  /// The text of this entry, which must say something.
  static std::string given(const Entry& entry, std::string text) {
    try {
      check_given(entry.key, text);
    } catch (const Error& error) {
      detail::fail_at(entry.value.place(), error.what(), error.hint());
    }
    return text;
  }

  void set(const Entry& entry, const FaultVerb& verb) {
    const OptionSpec* option = find_option(command_, entry.key);
    if (option == nullptr) {
      fail_unknown(entry, verb);
    }
    if (auto* const* flag = std::get_if<bool*>(&option->target)) {
      **flag = entry.value.boolean();
    } else if (auto* const* text = std::get_if<std::string*>(&option->target)) {
      **text = given(entry, text_of(entry.value));
    }
  }

  [[noreturn]] void fail_unknown(const Entry& entry, const FaultVerb& verb) const {
    std::vector<std::string> known = {verb.name};
    for (const auto& option : command_.options) {
      if (is_of_a_file(option)) {
        known.push_back(option.long_name().substr(2));
      }
    }
    detail::fail_at(entry.value.place(), "unknown key '" + entry.key + "' of '" + verb.name + "'",
                    detail::suggestion(entry.key, known));
  }

  void check_exclusives() const {
    std::vector<std::string> given;
    for (const auto& entry : entries_) {
      given.push_back("--" + entry.key);
    }
    tinet::cli::check_exclusives(command_, given);
  }

  /// An error that names an option gets the line of its key, others that of the whole fault.
  [[noreturn]] void fail(const FaultVerb& verb, const Error& error) const {
    std::string message = error.what();
    for (auto at = message.find("'--"); at != std::string::npos; at = message.find("'--", at)) {
      message.erase(at + 1, 2);
    }
    const std::string name = message.substr(0, message.find(':'));
    const bool is_option = name.starts_with("--");
    const std::string key = is_option ? name.substr(2) : name == verb.value ? verb.name : "";
    const detail::YamlValue* at = key.empty() ? nullptr : find(key);
    if (at == nullptr) {
      detail::fail_at(value_.place(), message, error.hint());
    }
    detail::fail_at(at->place(), key + message.substr(name.size()), error.hint());
  }

  detail::YamlValue value_;
  std::vector<Entry> entries_;
  Command command_;
  FaultWords words_;
};

}  // namespace

std::vector<api::FaultRequest> parse_faults(std::string_view text, const std::string& file,
                                            const FileReader& read_file) {
  const detail::YamlValue document(detail::load_yaml(text, file), "faults", file);
  if (!document.is_list()) {
    detail::fail_at({file, 1}, "the file is not a list of faults",
                    std::string(kHint) + ", or '[]' for none");
  }
  std::vector<api::FaultRequest> faults;
  document.each_element([&](const detail::YamlValue& value) {
    faults.push_back(FaultEntry(value, read_file).read());
  });
  return faults;
}

std::vector<api::FaultRequest> read_faults_file(const std::string& path) {
  const auto beside = [&](const std::string& name, const std::string& option) {
    return read_callers_file((std::filesystem::path(path).parent_path() / name).string(), option);
  };
  return parse_faults(read_callers_file(path, "FILE"), path, beside);
}

}  // namespace tinet::cli
