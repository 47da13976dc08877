#include "netns/probe.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netns/scratch_probes.h"
#include "netns/userns_hint.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/base/unique_fd.h"

namespace tinet {
namespace {

enum class World { Own, User };
enum class Depth { Entrance, Everything };

// The pipe from the child carries one feature per line; its texts hold neither of these.
constexpr char kFieldEnd = '\x1f';
constexpr char kRecordEnd = '\n';

// First step that failed; no step means that the world is entered.
struct Entrance {
  const char* step = nullptr;
  int error = 0;
  bool created = false;
};

bool write_file(const char* path, const std::string& text) {
  const UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

Entrance enter(World world) {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  const int flags = world == World::User ? CLONE_NEWUSER | CLONE_NEWNET : CLONE_NEWNET;
  if (::unshare(flags) < 0) {
    return {"make the namespace", errno, false};
  }
  if (world == World::Own) {
    return {};
  }
  if (!write_file("/proc/self/setgroups", "deny")) {
    return {"write /proc/self/setgroups", errno, true};
  }
  if (!write_file("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1")) {
    return {"write /proc/self/uid_map", errno, true};
  }
  if (!write_file("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1")) {
    return {"write /proc/self/gid_map", errno, true};
  }
  return {};
}

std::string hint_for(World world, const Entrance& entrance) {
  if (world == World::Own) {
    return entrance.error == ENOSPC ? "raise user.max_net_namespaces" : "run as root";
  }
  return user_namespace_hint(entrance.created, entrance.error, read_user_namespace_settings());
}

// One line of text: what the kernel or a path says must not break the records.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == kFieldEnd || c == kRecordEnd; }, ' ');
  return text;
}

void report(int fd, const Feature& feature) {
  std::string line;
  for (const std::string& field :
       {feature.name, feature.mechanism, std::string(feature.usable ? "1" : "0"), feature.why,
        feature.hint}) {
    line += one_line(field) + kFieldEnd;
  }
  line += kRecordEnd;
  // A lost report shows as a feature that the parent did not hear of.
  static_cast<void>(::write(fd, line.data(), line.size()));
}

Feature attempt(const ScratchProbe& probe, Scratch& scratch) {
  Feature feature{.name = probe.name, .mechanism = probe.mechanism};
  try {
    probe.trial(scratch);
    feature.usable = true;
  } catch (const Error& error) {
    feature.why = error.what();
    feature.hint = probe.hint;
  }
  return feature;
}

Feature entrance_feature(World world) {
  return world == World::Own
             ? Feature{.name = "netns", .mechanism = "network namespaces of this process"}
             : Feature{.name = "userns", .mechanism = "network in an unprivileged user namespace"};
}

// A namespace may be granted and everything in it denied (AppArmor), so being in counts only once
// the network could be set up.
void use_namespace(World world, Depth depth, int fd, Feature entered) {
  std::vector<Feature> features;
  try {
    Scratch scratch;
    for (const ScratchProbe& probe : scratch_probes()) {
      const bool basic = features.size() < 3;  // veth, bridge, bridge-table
      if (depth == Depth::Everything || basic) {
        features.push_back(attempt(probe, scratch));
      }
    }
    for (std::size_t i = 0; i < 3 && entered.why.empty(); ++i) {
      entered.why = features[i].why;
    }
  } catch (const Error& error) {
    entered.why = error.what();
  }
  entered.usable = entered.why.empty();
  if (!entered.usable) {
    entered.hint = hint_for(world, {"use the namespace", EPERM, true});
  }
  report(fd, entered);
  if (depth == Depth::Everything) {
    for (const Feature& feature : features) {
      report(fd, feature);
    }
  }
}

void run_child(World world, Depth depth, int fd) {
  Feature entered = entrance_feature(world);
  const Entrance entrance = enter(world);
  if (entrance.step == nullptr) {
    use_namespace(world, depth, fd, std::move(entered));
    return;
  }
  entered.why = std::string("cannot ") + entrance.step + ": " + std::strerror(entrance.error);
  if (world == World::User) {
    const std::string settings = describe(read_user_namespace_settings());
    entered.why += settings.empty() ? "" : " (" + settings + ")";
  }
  entered.hint = hint_for(world, entrance);
  report(fd, entered);
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> chunk{};
  for (;;) {
    const ssize_t size = ::read(fd, chunk.data(), chunk.size());
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size <= 0) {
      return text;
    }
    text.append(chunk.data(), static_cast<std::size_t>(size));
  }
}

std::vector<Feature> parse_report(const std::string& text) {
  std::vector<Feature> features;
  for (const std::string& line : split(text, kRecordEnd)) {
    const auto fields = split(line, kFieldEnd);
    if (fields.size() >= 5) {
      features.push_back({fields[0], fields[1], fields[2] == "1", fields[3], fields[4]});
    }
  }
  return features;
}

// The child is single-threaded whatever its parent is, as unshare(CLONE_NEWUSER) demands, and takes
// all it made with it when it ends.
std::vector<Feature> probe_in_child(World world, Depth depth) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) {
    const int error = errno;
    throw_errno(error, "cannot make a pipe to probe the kernel");
  }
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) {
    const int error = errno;
    throw_errno(error, "cannot fork to probe the kernel");
  }
  if (child == 0) {
    try {
      run_child(world, depth, writer.get());
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  writer.reset();
  auto features = parse_report(read_all(reader.get()));
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (features.empty()) {
    Feature lost = entrance_feature(world);
    lost.why = "the probe ended without an answer";
    features.push_back(std::move(lost));
  }
  return features;
}

}  // namespace

const Feature* FeatureReport::find(std::string_view name) const noexcept {
  const auto found = std::find_if(features.begin(), features.end(),
                                  [&](const Feature& feature) { return feature.name == name; });
  return found == features.end() ? nullptr : &*found;
}

bool FeatureReport::usable(std::string_view name) const noexcept {
  const Feature* feature = find(name);
  return feature != nullptr && feature->usable;
}

FeatureReport probe_features() {
  FeatureReport report;
  report.features = probe_in_child(World::Own, Depth::Everything);
  const bool own = report.features.front().usable;
  auto user = probe_in_child(World::User, own ? Depth::Entrance : Depth::Everything);
  if (!own) {
    report.features.resize(1);
  }
  // "netns" and "userns" first, then what one of the two can do.
  report.features.insert(report.features.begin() + 1, std::make_move_iterator(user.begin()),
                         std::make_move_iterator(user.end()));
  for (const ScratchProbe& probe : scratch_probes()) {
    if (report.find(probe.name) == nullptr) {
      report.features.push_back({.name = probe.name,
                                 .mechanism = probe.mechanism,
                                 .usable = false,
                                 .why = "no network namespace to try it in",
                                 .hint = report.find("userns")->hint});
    }
  }
  return report;
}

Feature probe_namespaces() {
  return probe_in_child(World::Own, Depth::Entrance).front();
}

Feature probe_user_namespaces() {
  return probe_in_child(World::User, Depth::Entrance).front();
}

}  // namespace tinet
