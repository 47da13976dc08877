#include "src/cli/data_dir.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/cli/json_view.h"
#include "src/process/user_files.h"

namespace tinet::cli {

namespace json = boost::json;

namespace {

constexpr int kSchema = 1;

std::string record_path(const std::string& directory) {
  return directory + "/cluster.json";
}

DataRecord read_record(const RunAs& as, const std::string& directory) {
  const std::string path = record_path(directory);
  boost::system::error_code error;
  const json::value document = json::parse(read_file(as, path), error);
  if (error) {
    throw_conflict("'" + path + "' is not JSON: " + error.message(),
                   "remove the directory, or choose another with --data-dir");
  }
  return record_from_json(document, path);
}

std::string counts_text(const std::map<std::string, int>& counts) {
  std::vector<std::string> parts;
  parts.reserve(counts.size());
  for (const auto& [component, count] : counts) {
    parts.push_back(component + " " + std::to_string(count));
  }
  return join(parts, ", ");
}

/// Work in a data directory. Where the user has no right to it, another directory is the way out.
template <typename Work>
auto with_hint(Work work) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::Unavailable || !error.hint().empty()) {
      throw;
    }
    throw_unavailable(error.what(), "choose a directory of your own with --data-dir");
  }
}

[[noreturn]] void throw_differs(const std::string& path, const std::string& kept,
                                const std::string& wanted) {
  throw_conflict("the data in '" + path + "' was made with " + kept + ", not " + wanted,
                 "start with the same, choose another --data-dir, or remove the directory");
}

}  // namespace

DataRecord record_of(const ClusterPlan& plan) {
  DataRecord record{.tag = plan.tag,
                    .topology = plan.topology,
                    .store = plan.store,
                    .subnet = plan.subnet,
                    .ipv6 = plan.ipv6,
                    .kept = plan.keep_data};
  for (const auto& instance : plan.instances) {
    ++record.counts[instance.component];
    record.addresses[instance.name] = to_string(instance.address);
  }
  return record;
}

json::value to_json(const DataRecord& record) {
  return {{"schema", kSchema},
          {"tag", record.tag},
          {"topology", record.topology},
          {"store", record.store},
          {"counts", json::value_from(record.counts)},
          {"addresses", json::value_from(record.addresses)},
          {"subnet", to_string(record.subnet)},
          {"ipv6", record.ipv6},
          {"kept", record.kept}};
}

DataRecord record_from_json(const json::value& document, const std::string& path) {
  const auto schema = number_of(document, "schema");
  if (schema != kSchema) {
    throw_conflict("'" + path + "' has schema " + (schema ? std::to_string(*schema) : "none") +
                       ", this tinet reads schema " + std::to_string(kSchema),
                   "use the tinet that made it, or choose another --data-dir");
  }
  DataRecord record{.tag = text_of(document, "tag"),
                    .topology = text_of(document, "topology"),
                    .store = text_of(document, "store"),
                    .ipv6 = is_true(document, "ipv6"),
                    .kept = is_true(document, "kept")};
  const auto counts = json::try_value_to<std::map<std::string, int>>(member_of(document, "counts"));
  const auto addresses =
      json::try_value_to<std::map<std::string, std::string>>(member_of(document, "addresses"));
  if (!counts || !addresses || record.tag.empty() || record.topology.empty()) {
    throw_conflict("'" + path + "' is malformed",
                   "remove the directory, or choose another with --data-dir");
  }
  record.counts = *counts;
  record.addresses = *addresses;
  record.subnet = parse_subnet(text_of(document, "subnet"), path);
  return record;
}

void check_same_cluster(const DataRecord& kept, const DataRecord& wanted, const std::string& path) {
  if (kept.topology != wanted.topology) {
    throw_differs(path, "topology '" + kept.topology + "'", "'" + wanted.topology + "'");
  }
  if (kept.store != wanted.store) {
    throw_differs(path, "the " + kept.store + " store", "the " + wanted.store + " one");
  }
  if (kept.counts != wanted.counts) {
    throw_differs(path, counts_text(kept.counts), counts_text(wanted.counts));
  }
  if (!(kept.subnet == wanted.subnet)) {
    throw_differs(path, "subnet " + to_string(kept.subnet), to_string(wanted.subnet));
  }
  if (kept.ipv6 != wanted.ipv6) {
    throw_differs(path, kept.ipv6 ? "IPv6" : "no IPv6", kept.ipv6 ? "without it" : "with it");
  }
  for (const auto& [instance, address] : kept.addresses) {
    const auto now = wanted.addresses.find(instance);
    if (now == wanted.addresses.end() || now->second != address) {
      throw_differs(path, instance + " at " + address,
                    now == wanted.addresses.end() ? "without it" : "at " + now->second);
    }
  }
}

DataFinding inspect_data_dir(const UserIds& user, const std::string& path) {
  const RunAs as{.user = user};
  const PathKind kind = with_hint([&] { return path_kind(as, path); });
  if (kind == PathKind::Missing) {
    return {};
  }
  if (kind != PathKind::Directory && kind != PathKind::Symlink) {
    throw_conflict("the data directory '" + path + "' is not a directory",
                   "choose another with --data-dir");
  }
  auto names = with_hint([&] { return list_directory(as, path); });
  // Of a start that was killed while it wrote the record (write_files()).
  std::erase_if(names,
                [](const std::string& name) { return name.starts_with("cluster.json.tmp-"); });
  if (names.empty()) {
    return {};
  }
  if (std::find(names.begin(), names.end(), "cluster.json") == names.end()) {
    throw_conflict(
        "the data directory '" + path + "' is not empty and was not made by tinet",
        "choose an empty one with --data-dir; tinet never deletes files it does not know");
  }
  DataFinding finding{.record = read_record(as, path)};
  finding.kind = finding.record.kept ? DataFinding::Kind::Kept : DataFinding::Kind::Leftover;
  return finding;
}

UniqueFd lock_data_dir(const UserIds& user, const std::string& path) {
  const RunAs as{.user = user};
  with_hint([&] { make_directories(as, {path}); });
  RunResult opened = run_as_user(as, [&] {
    RunResult result;
    result.fds.emplace_back(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (const int error = errno; !result.fds.back()) {
      throw_errno(error, "cannot open the data directory '" + path + "'");
    }
    return result;
  });
  UniqueFd directory = std::move(opened.fds.at(0));
  struct stat locked {};
  struct stat named {};
  // The directory may have been removed, and made anew, between the open and the lock.
  if (::flock(directory.get(), LOCK_EX | LOCK_NB) != 0 || ::fstat(directory.get(), &locked) != 0 ||
      ::stat(path.c_str(), &named) != 0 || locked.st_ino != named.st_ino) {
    throw_conflict("the data directory '" + path + "' is taken by another start",
                   "wait for that one, or start another cluster with -T");
  }
  return directory;
}

void clear_data_dir(const UserIds& user, const std::string& path) {
  const RunAs as{.user = user, .limit = std::chrono::minutes(10)};
  for (const auto& name : list_directory(as, path)) {
    remove_tree(as, path + "/" + name);
  }
}

void write_record(const UserIds& user, const std::string& path, const DataRecord& record) {
  const RunAs as{.user = user};
  with_hint([&] {
    make_directories(as, {path});
    write_files(as, {{record_path(path), json::serialize(to_json(record)) + "\n"}});
  });
}

void mark_kept(const UserIds& user, const std::string& path) {
  const RunAs as{.user = user};
  DataRecord record = read_record(as, path);
  record.kept = true;
  write_files(as, {{record_path(path), json::serialize(to_json(record)) + "\n"}});
}

std::string data_home(const UserIds& user) {
  return user.home + "/.local/share/tinet";
}

std::vector<std::string> leftover_data(const UserIds& user, const std::vector<std::string>& alive) {
  const RunAs as{.user = user};
  std::vector<std::string> leftovers;
  for (const auto& name : list_directory(as, data_home(user))) {
    const std::string path = data_home(user) + "/" + name;
    if (path_kind(as, path) != PathKind::Directory ||
        path_kind(as, record_path(path)) != PathKind::File) {
      continue;
    }
    try {
      const DataRecord record = read_record(as, path);
      const bool lives = std::find(alive.begin(), alive.end(), record.tag) != alive.end();
      if (!record.kept && !lives) {
        leftovers.push_back(path);
      }
    } catch (const Error&) {
      // What cannot be read cannot be known to be ours.
      continue;
    }
  }
  return leftovers;
}

}  // namespace tinet::cli
