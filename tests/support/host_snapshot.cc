#include "tests/support/host_snapshot.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/base/unique_fd.h"
#include "tests/support/run.h"

namespace tinet::test {

namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

/// Members of ip's and nft's JSON that change without anybody doing anything.
bool is_volatile(std::string_view member) {
  constexpr std::array<std::string_view, 8> kNames = {"valid_life_time",
                                                      "preferred_life_time",
                                                      "expires",
                                                      "used",
                                                      "age",
                                                      "packets",
                                                      "bytes",
                                                      "stats"};
  return member.ends_with("_timer") ||
         std::find(kNames.begin(), kNames.end(), member) != kNames.end();
}

json::value without_volatile(const json::value& value) {
  if (const auto* array = value.if_array()) {
    json::array kept;
    for (const auto& element : *array) {
      kept.push_back(without_volatile(element));
    }
    return kept;
  }
  if (const auto* object = value.if_object()) {
    json::object kept;
    for (const auto& entry : *object) {
      if (!is_volatile(entry.key())) {
        kept[entry.key()] = without_volatile(entry.value());
      }
    }
    return kept;
  }
  return value;
}

struct Source {
  std::string_view kind;          ///< first word of the facts' names
  std::vector<std::string> argv;  ///< prints a JSON array, or an object with one in `nftables`
  std::string_view key;           ///< member that names an element; empty: the whole element does
};

const std::vector<Source>& sources() {
  static const std::vector<Source> all = {
      {"link", {"ip", "-j", "-d", "link", "show"}, "ifname"},
      {"addresses of", {"ip", "-j", "address", "show"}, "ifname"},
      {"route", {"ip", "-4", "-j", "route", "show", "table", "all"}, ""},
      {"route", {"ip", "-6", "-j", "route", "show", "table", "all"}, ""},
      {"rule", {"ip", "-4", "-j", "rule", "show"}, ""},
      {"rule", {"ip", "-6", "-j", "rule", "show"}, ""},
      {"qdisc", {"tc", "-j", "qdisc", "show"}, ""},
      {"nft", {"nft", "-j", "list", "ruleset"}, ""},
  };
  return all;
}

void add_elements(Facts& facts, const Source& source, const json::array& elements) {
  for (const auto& element : elements) {
    const auto kept = without_volatile(element);
    const auto* object = kept.if_object();
    const auto* name =
        object == nullptr || source.key.empty() ? nullptr : object->if_contains(source.key);
    const auto text = json::serialize(kept);
    const std::string kind(source.kind);
    if (name != nullptr && name->is_string()) {
      facts[kind + " " + std::string(name->get_string())] = text;
    } else if (kept != json::object{}) {
      facts[kind + " " + text] = "";
    }
  }
}

void add_source(Facts& facts, const Source& source) {
  const std::string command = join(source.argv, " ");
  RunResult result;
  try {
    result = run(source.argv);
  } catch (const Error& error) {
    facts[command] = std::string("unreadable: ") + error.what();
    return;
  }
  if (!result.ok()) {
    facts[command] = "unreadable: " + std::string(trim(result.err));
    return;
  }
  // ip prints nothing at all for an empty list.
  const auto document =
      trim(result.out).empty() ? json::value(json::array{}) : json::parse(result.out);
  const auto* wrapped =
      document.is_object() ? document.get_object().if_contains("nftables") : nullptr;
  const auto* elements = wrapped == nullptr ? document.if_array() : wrapped->if_array();
  if (elements == nullptr) {
    throw_operation("'" + command + "' printed no array");
  }
  add_elements(facts, source, *elements);
}

std::string content_of(const fs::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  char buffer[4096];
  const auto count = file ? ::read(file.get(), buffer, sizeof buffer) : -1;
  const int error = errno;
  if (count < 0) {
    return std::string("unreadable: ") + ::strerrorname_np(error);
  }
  return std::string(trim({buffer, static_cast<std::size_t>(count)}));
}

void add_sysctls(Facts& facts) {
  const fs::path root = "/proc/sys/net";
  std::error_code error;
  // Per-interface files vanish with their interface while we walk; a link that is gone shows
  // anyway.
  for (fs::recursive_directory_iterator entry(root, error), end; entry != end;
       entry.increment(error)) {
    if (error) {
      break;
    }
    const auto name = fs::relative(entry->path(), "/proc/sys", error).string();
    if (entry->is_regular_file(error) && name != "net/netfilter/nf_conntrack_count") {
      facts["sysctl " + name] = content_of(entry->path());
    }
  }
}

}  // namespace

Facts host_snapshot() {
  Facts facts;
  for (const auto& source : sources()) {
    add_source(facts, source);
  }
  add_sysctls(facts);
  return facts;
}

std::vector<std::string> host_changes(const Facts& before, const Facts& after) {
  auto lines = changes(before, after);
  std::erase_if(lines, [](const std::string& line) {
    return line.starts_with("+ sysctl net/netfilter/") ||
           line.starts_with("+ sysctl net/bridge/") ||
           line.starts_with("+ sysctl net/nf_conntrack_max");
  });
  return lines;
}

}  // namespace tinet::test
