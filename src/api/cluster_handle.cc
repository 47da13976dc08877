#include "src/api/cluster_handle.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <boost/json.hpp>

#include "src/api/cluster_lock.h"
#include "src/api/directory.h"
#include "src/base/error.h"

namespace tinet {

namespace {

constexpr std::size_t kTagLengthMax = 32;
/// STATE/netns/NAME, and one to spare.
constexpr int kDepthMax = 3;
constexpr std::size_t kStateBytesMax = 64U << 20U;

/// A directory whose entries are state directories.
struct Place {
  std::string path;
  uid_t owner = 0;
  bool root_owned = false;
};

bool belongs_to(const std::string& path, uid_t uid) noexcept {
  struct stat attributes {};
  return !path.empty() && ::stat(path.c_str(), &attributes) == 0 && S_ISDIR(attributes.st_mode) &&
         attributes.st_uid == uid;
}

std::vector<Place> places_of(uid_t uid, const StateBases& bases) {
  const std::string id = std::to_string(uid);
  std::vector<Place> places;
  places.push_back({bases.root + "/" + id, bases.root_owner, true});
  for (const auto& runtime : {bases.xdg_runtime_dir, bases.run_user + "/" + id}) {
    if (belongs_to(runtime, uid)) {
      places.push_back({runtime + "/tinet", uid, false});
    }
  }
  places.push_back({bases.tmp + "/tinet-" + id, uid, false});
  return places;
}

std::vector<std::string> tags_in(int directory) {
  std::vector<std::string> tags;
  const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) {
    return tags;
  }
  DIR* listing = ::fdopendir(copy);
  if (listing == nullptr) {
    static_cast<void>(::close(copy));
    return tags;
  }
  while (const dirent* entry = ::readdir(listing)) {
    if (is_valid_tag(entry->d_name)) {
      tags.emplace_back(entry->d_name);
    }
  }
  static_cast<void>(::closedir(listing));
  return tags;
}

/// Opens a state directory that was found before; empty when it is not what it was.
UniqueFd reopen(const ClusterHandle& cluster) noexcept {
  return open_directory(AT_FDCWD, cluster.path);
}

}  // namespace

StateBases StateBases::from_environment() {
  StateBases bases;
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && *runtime == '/') {
    bases.xdg_runtime_dir = runtime;
  }
  return bases;
}

bool is_valid_tag(std::string_view tag) noexcept {
  const auto is_alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  return !tag.empty() && tag.size() <= kTagLengthMax && is_alphanumeric(tag.front()) &&
         std::all_of(tag.begin(), tag.end(),
                     [&](char c) { return is_alphanumeric(c) || c == '-'; });
}

void check_tag(std::string_view tag) {
  if (!is_valid_tag(tag)) {
    throw_usage("invalid tag '" + std::string(tag) + "'",
                "a tag is 1 to 32 of a-z, 0-9 and '-', and does not start with '-'");
  }
}

std::string state_path(uid_t uid, std::string_view tag, bool as_root, const StateBases& bases) {
  const auto places = places_of(uid, bases);
  const auto place = std::find_if(places.begin(), places.end(),
                                  [&](const Place& p) { return p.root_owned == as_root; });
  return place->path + "/" + std::string(tag);
}

std::vector<std::string> state_places(uid_t uid, const StateBases& bases) {
  std::vector<std::string> paths;
  for (auto& place : places_of(uid, bases)) {
    paths.push_back(std::move(place.path));
  }
  return paths;
}

std::vector<ClusterHandle> find_clusters(uid_t uid, const StateBases& bases) {
  std::vector<ClusterHandle> found;
  // XDG_RUNTIME_DIR usually is /run/user/UID: the same directory must not show up twice.
  std::vector<std::pair<dev_t, ino_t>> seen;
  for (const auto& place : places_of(uid, bases)) {
    const UniqueFd directory = open_directory(AT_FDCWD, place.path);
    const auto attributes = stat_of(directory.get());
    const std::pair identity(attributes.st_dev, attributes.st_ino);
    if (!directory || attributes.st_uid != place.owner ||
        std::find(seen.begin(), seen.end(), identity) != seen.end()) {
      continue;
    }
    seen.push_back(identity);
    for (const auto& tag : tags_in(directory.get())) {
      const UniqueFd state = open_directory(directory.get(), tag);
      if (!state || stat_of(state.get()).st_uid != place.owner) {
        continue;
      }
      found.push_back({.tag = tag,
                       .path = place.path + "/" + tag,
                       .owner = uid,
                       .root_owned = place.root_owned,
                       .alive = is_locked(state.get())});
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::pair(std::string_view(a.tag), !a.alive) <
           std::pair(std::string_view(b.tag), !b.alive);
  });
  return found;
}

std::optional<ClusterHandle> find_cluster(uid_t uid, std::string_view tag,
                                          const StateBases& bases) {
  for (auto& cluster : find_clusters(uid, bases)) {
    if (cluster.tag == tag) {
      return std::move(cluster);
    }
  }
  return std::nullopt;
}

boost::json::value read_state(const ClusterHandle& cluster) {
  const UniqueFd directory = reopen(cluster);
  const UniqueFd file(
      ::openat(directory.get(), "state.json", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  std::string text;
  char buffer[16 * 1024];
  while (file && text.size() < kStateBytesMax) {
    const auto count = ::read(file.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      break;
    }
    text.append(buffer, static_cast<std::size_t>(count));
  }
  boost::system::error_code error;
  auto document = boost::json::parse(text, error);
  return error ? boost::json::value() : document;
}

bool remove_dead_cluster(const ClusterHandle& cluster) {
  const UniqueFd directory = reopen(cluster);
  if (!directory) {
    return false;
  }
  const auto attempt = try_lock(directory.get());
  if (!attempt.lock) {
    return false;
  }
  // The lock goes last, so that nobody takes the directory for a new cluster while it is emptied.
  const bool is_empty = remove_contents(directory.get(), kDepthMax, kLockName) &&
                        ::unlinkat(directory.get(), kLockName, 0) == 0;
  // Not empty: a new cluster was faster, and the directory is its own now.
  if (!is_empty || (::rmdir(cluster.path.c_str()) != 0 && errno != ENOTEMPTY)) {
    throw_unavailable("cannot remove state directory '" + cluster.path + "'",
                      cluster.root_owned ? "it belongs to root: use sudo" : "");
  }
  remove_empty_place(cluster.path);
  return true;
}

}  // namespace tinet
