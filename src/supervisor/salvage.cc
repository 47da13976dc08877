#include "src/supervisor/salvage.h"

#include <filesystem>
#include <system_error>
#include <vector>

#include "src/base/clock.h"
#include "src/base/error.h"
#include "src/process/user_files.h"

namespace tinet {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kKeptStarts = 3;

/// Copies one file under DIRECTORY/INSTANCE; a file that was never made is no failure.
bool copy_into(const fs::path& directory, const std::string& instance, const fs::path& file) {
  std::error_code error;
  if (!fs::is_regular_file(fs::symlink_status(file, error)) || error) {
    return false;
  }
  fs::create_directories(directory / instance);
  fs::copy_file(file, directory / instance / file.filename(), fs::copy_options::overwrite_existing);
  return true;
}

void forget_old(const fs::path& parent, const RunAs& as) {
  std::vector<std::string> kept = list_directory(as, parent.string());
  // Names are times, and list_directory() sorts them: the oldest come first.
  while (kept.size() > kKeptStarts) {
    remove_tree(as, (parent / kept.front()).string());
    kept.erase(kept.begin());
  }
}

}  // namespace

std::string salvage_logs(const ClusterPlan& plan, const RunAs& as) {
  if (plan.keep_data) {
    return plan.data_dir;
  }
  const fs::path parent = fs::path(plan.data_dir).parent_path() / ".failed" / plan.tag;
  const fs::path directory = parent / std::to_string(unix_ms_now());
  const RunResult result = run_as_user(as, [&] {
    bool any = false;
    try {
      for (const auto& instance : plan.instances) {
        any = copy_into(directory, instance.name, instance.log) || any;
        for (const auto& file : instance.files) {
          any = copy_into(directory, instance.name, file.path) || any;
        }
      }
    } catch (const fs::filesystem_error& error) {
      throw_operation("cannot keep the logs of the failed start in '" + directory.string() +
                      "': " + error.code().message());
    }
    return RunResult{any ? "any" : "", {}};
  });
  if (result.bytes.empty()) {
    return "";
  }
  forget_old(parent, as);
  return directory.string();
}

}  // namespace tinet
