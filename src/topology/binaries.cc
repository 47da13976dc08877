#include "src/topology/binaries.h"

#include <algorithm>
#include <set>

#include "src/base/error.h"
#include "src/base/text.h"

namespace tinet {
namespace {

/// One search: its inputs, and what was sought where, for the error.
class Finder {
 public:
  Finder(const Topology& topology, const StartOptions& options,
         const std::map<std::string, int>& counts, const BinarySearch& search,
         const FileView& files)
      : topology_(topology), options_(options), search_(search), files_(files) {
    for (const auto& spec : topology.components) {
      if (counts.at(spec.name) > 0) {
        needed_.push_back(&spec);
      }
    }
  }

  Binaries run() {
    check_flags();
    if (options_.store == "reference") {
      return reference();
    }
    find_one_by_one();
    find_in_tiup();
    if (missing_.empty()) {
      return std::move(found_);
    }
    if (options_.store == "auto" && reference_is_fallback()) {
      return reference();
    }
    throw_missing();
  }

 private:
  [[nodiscard]] std::string variable(const std::string& name) const {
    const auto found = search_.variables.find(name);
    return found == search_.variables.end() ? "" : found->second;
  }

  [[nodiscard]] const ComponentOptions* flags_of(const ComponentSpec& spec) const {
    const auto found = options_.components.find(spec.name);
    return found == options_.components.end() ? nullptr : &found->second;
  }

  /// A flag or variable that only makes sense for a real program; empty when there is none.
  [[nodiscard]] std::string wish_for_real(const ComponentSpec& spec) const {
    if (const auto* flags = flags_of(spec)) {
      if (!flags->path.empty()) {
        return "--" + spec.name + ".path";
      }
      if (flags->config) {
        return "--" + spec.name + ".config";
      }
      if (!flags->args.empty()) {
        return "--" + spec.name + ".args";
      }
    }
    return variable(spec.env_var).empty() ? "" : spec.env_var;
  }

  void check_flags() const {
    if (!options_.release.empty() && !topology_.tiup) {
      throw_usage("--release: topology '" + topology_.name + "' has no releases",
                  "name the programs with --" + topology_.components.front().name + ".path");
    }
    if (options_.store != "auto" && options_.store != "real" && options_.store != "reference") {
      throw_usage("--store: '" + options_.store + "' is none of auto, real, reference");
    }
  }

  void accept(const ComponentSpec& spec, FoundBinary binary) {
    found_.by_component[spec.name] = std::move(binary);
  }

  [[nodiscard]] std::string explicit_path(const ComponentSpec& spec, std::string& source) const {
    if (const auto* flags = flags_of(spec); flags != nullptr && !flags->path.empty()) {
      source = "--" + spec.name + ".path";
      return flags->path;
    }
    if (auto path = variable(spec.env_var); !path.empty()) {
      source = spec.env_var;
      return path;
    }
    source = "topology";
    return spec.program.starts_with('/') ? spec.program : "";
  }

  /// @throws Error Unavailable when a path that somebody chose is no program
  void find_one_by_one() {
    for (const auto* spec : needed_) {
      std::string source;
      const auto path = explicit_path(*spec, source);
      if (path.empty()) {
        if (options_.release.empty() && find_in_path(*spec)) {
          continue;
        }
        missing_.push_back(spec);
      } else if (!files_.is_executable(path)) {
        throw_unavailable(
            source + ": '" + path + "' " +
                (files_.exists(path) ? "is not an executable file" : "does not exist"),
            "give the path of the program for '" + spec->name + "'");
      } else {
        accept(*spec, {path, {}, "", source});
      }
    }
  }

  [[nodiscard]] std::vector<std::string> path_directories() const {
    auto directories = split(variable("PATH"), ':');
    // An empty or relative entry would mean the caller's current directory.
    std::erase_if(directories, [](const auto& entry) { return !entry.starts_with('/'); });
    const auto add = [&](const std::string& directory) {
      if (std::find(directories.begin(), directories.end(), directory) == directories.end()) {
        directories.push_back(directory);
      }
    };
    if (!search_.home.empty()) {
      add(search_.home + "/.local/bin");
    }
    add("/usr/local/bin");
    return directories;
  }

  bool find_in_path(const ComponentSpec& spec) {
    for (const auto& name : spec.binary_names()) {
      for (const auto& directory : path_directories()) {
        const std::string path = directory + "/" + name;
        if (files_.is_executable(path)) {
          accept(spec, {path, {}, "", "PATH"});
          return true;
        }
      }
    }
    return false;
  }

  [[nodiscard]] std::string tiup_components() const {
    const auto home = variable("TIUP_HOME");
    return (home.empty() ? search_.home + "/.tiup" : home) + "/components";
  }

  [[nodiscard]] std::string tiup_program(const ComponentSpec& spec,
                                         const std::string& release) const {
    for (const auto& name : spec.binary_names()) {
      auto path = tiup_components() + "/" + spec.name + "/" + release + "/" + name;
      if (files_.is_executable(path)) {
        return path;
      }
    }
    return {};
  }

  [[nodiscard]] std::vector<std::string> tiup_releases(const ComponentSpec& spec) const {
    std::vector<std::string> releases;
    for (auto& name : files_.list(tiup_components() + "/" + spec.name)) {
      if (!tiup_program(spec, name).empty()) {
        releases.push_back(std::move(name));
      }
    }
    std::sort(releases.begin(), releases.end(), release_less);
    return releases;
  }

  /// The newest final release that all missing components have, else the newest other one.
  [[nodiscard]] std::string common_release() const {
    std::string best;
    for (const auto& release : tiup_releases(*missing_.front())) {
      const bool common = std::all_of(missing_.begin(), missing_.end(), [&](const auto* spec) {
        return !tiup_program(*spec, release).empty();
      });
      // Releases come in ascending order, so a later one replaces all but a final one.
      if (common && (best.empty() || is_final_release(release) || !is_final_release(best))) {
        best = release;
      }
    }
    return best;
  }

  void find_in_tiup() {
    if (!topology_.tiup || missing_.empty()) {
      return;
    }
    auto release = options_.release;
    if (!release.empty() && !release.starts_with('v') && release != "nightly") {
      release.insert(0, "v");
    }
    if (release.empty()) {
      release = common_release();
    }
    const bool complete =
        !release.empty() && std::all_of(missing_.begin(), missing_.end(), [&](const auto* spec) {
          return !tiup_program(*spec, release).empty();
        });
    if (!complete) {
      throw_when_releases_differ(release);
      return;
    }
    for (const auto* spec : missing_) {
      accept(*spec, {tiup_program(*spec, release), {}, release, "tiup " + release});
    }
    found_.release = release;
    missing_.clear();
  }

  /// Each component has some release, but not the wanted or a common one.
  void throw_when_releases_differ(const std::string& wanted) const {
    std::vector<std::string> present;
    std::vector<std::string> install;
    bool all = true;
    for (const auto* spec : missing_) {
      const auto releases = tiup_releases(*spec);
      all = all && !releases.empty();
      present.push_back(spec->name + " has " + (releases.empty() ? "none" : join(releases, ", ")));
      install.push_back(spec->name + (wanted.empty() ? "" : ":" + wanted));
    }
    const std::string under = " under '" + tiup_components() + "'";
    if (!options_.release.empty()) {
      throw_unavailable(
          "release '" + wanted + "' is not complete" + under + ": " + join(present, "; "),
          "tiup install " + join(install, " "));
    }
    if (all) {
      throw_unavailable(
          "no release is installed for all needed components" + under + ": " + join(present, "; "),
          "install one for all, e.g. tiup install " + join(install, " "));
    }
  }

  [[nodiscard]] bool reference_is_fallback() const {
    const bool nothing_found = found_.by_component.empty() && options_.release.empty();
    return nothing_found && !search_.refstore_program.empty() &&
           std::all_of(needed_.begin(), needed_.end(), [&](const auto* spec) {
             return !spec->reference_role.empty() && wish_for_real(*spec).empty() &&
                    !(topology_.tiup && !tiup_releases(*spec).empty());
           });
  }

  [[nodiscard]] Binaries reference() const {
    Binaries binaries;
    binaries.store = "reference";
    for (const auto* spec : needed_) {
      if (spec->reference_role.empty()) {
        throw_usage("--store reference: topology '" + topology_.name +
                    "' has no reference program for '" + spec->name + "'");
      }
      if (const auto* flags = flags_of(*spec); flags != nullptr && !flags->path.empty()) {
        throw_usage("--store reference and --" + spec->name + ".path exclude each other",
                    "the reference store is never mixed with real programs");
      }
      if (search_.refstore_program.empty()) {
        throw_unavailable("the reference store's program 'tinet-refstore' is not installed",
                          "build or install tinet with it");
      }
      binaries.by_component[spec->name] = {
          search_.refstore_program, {spec->reference_role}, "", "reference store"};
    }
    return binaries;
  }

  [[noreturn]] void throw_missing() const {
    std::vector<std::string> programs;
    std::string sought;
    for (const auto* spec : missing_) {
      programs.push_back("'" + spec->program + "'");
      sought += (sought.empty() ? "--" : ", --") + spec->name + ".path, " + spec->env_var;
    }
    if (options_.release.empty()) {
      sought += ", " + join(path_directories(), ", ");
    }
    if (topology_.tiup) {
      sought += ", " + tiup_components();
    }
    std::string hint = topology_.install_hint;
    if (hint.empty()) {
      hint = "install it, or name it with --" + missing_.front()->name + ".path";
    }
    if (search_.under_sudo) {
      hint += "; sudo hid your environment (env_reset): pass --" + missing_.front()->name +
              ".path, or keep it with sudo --preserve-env=PATH,TIUP_HOME," +
              missing_.front()->env_var;
    }
    throw_unavailable("cannot find " + join(programs, ", ") + "; sought in " + sought, hint);
  }

  const Topology& topology_;
  const StartOptions& options_;
  const BinarySearch& search_;
  const FileView& files_;
  std::vector<const ComponentSpec*> needed_;
  std::vector<const ComponentSpec*> missing_;
  Binaries found_;
};

}  // namespace

Binaries find_binaries(const Topology& topology, const StartOptions& options,
                       const std::map<std::string, int>& counts, const BinarySearch& search,
                       const FileView& files) {
  return Finder(topology, options, counts, search, files).run();
}

}  // namespace tinet
