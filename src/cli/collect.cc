#include "src/cli/collect.h"

#include <filesystem>
#include <vector>

#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/cli/doctor_report.h"
#include "src/cli/json_view.h"
#include "src/client/client.h"
#include "src/process/user_files.h"

namespace tinet::cli {

namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

/// A file that is copied as it is, if it is there.
struct Copy {
  std::string from;
  std::string to;
};

std::string events_of(const Client& client) {
  std::string lines;
  client.stream("/v1/events?since=0", [&](std::string_view line) {
    lines.append(line) += '\n';
    return true;
  });
  return lines;
}

std::vector<FileToWrite> documents_of(const Client& client, const std::string& directory,
                                      Context& context) {
  const auto file = [&](const char* name, const json::value& document) {
    return FileToWrite{directory + "/" + name, json::serialize(document) + "\n"};
  };
  return {file("status.json", client.get("/v1/status")),
          file("plan.json", client.get("/v1/plan")),
          file("faults.json", client.get("/v1/faults?all=1")),
          file("links.json", client.get("/v1/links")),
          file("doctor.json", doctor_document(make_doctor_report(context))),
          {directory + "/events.jsonl", events_of(client)}};
}

/// The logs of all instances with their rotated predecessors, and the rendered files.
std::vector<Copy> files_of(const json::value& plan, const std::string& directory) {
  std::vector<Copy> copies;
  const std::string supervisor_log = text_of(plan, "log_dir") + "/supervisor.log";
  copies.push_back({supervisor_log, directory + "/logs/supervisor.log"});
  for (const auto& instance : array_of(plan, "instances")) {
    const std::string name = text_of(instance, "name");
    const std::string log = text_of(instance, "log");
    for (const char* suffix : {"", ".1", ".2", ".3"}) {
      copies.push_back({log + suffix, directory + "/logs/" + name + ".log" + suffix});
    }
    for (const auto& file : array_of(instance, "files")) {
      const std::string path = text_of(file, "path");
      copies.push_back(
          {path, directory + "/config/" + name + "/" + fs::path(path).filename().string()});
    }
  }
  return copies;
}

void copy_files(const RunAs& as, const std::vector<Copy>& copies) {
  run_as_user(as, [&] {
    for (const auto& copy : copies) {
      std::error_code error;
      if (!fs::is_regular_file(copy.from, error)) {
        continue;
      }
      fs::create_directories(fs::path(copy.to).parent_path(), error);
      fs::copy_file(copy.from, copy.to, fs::copy_options::overwrite_existing, error);
      if (error) {
        throw_errno(error.value(), "cannot copy '" + copy.from + "' to '" + copy.to + "'");
      }
    }
    return RunResult{};
  });
}

}  // namespace

std::string collect(const Client& client, const std::string& directory, Context& context) {
  std::string path = fs::absolute(directory).lexically_normal().string();
  const RunAs as{.user = invoking_user(), .limit = std::chrono::minutes(5)};
  make_directories(as, {path});
  write_files(as, documents_of(client, path, context));
  copy_files(as, files_of(client.get("/v1/plan"), path));
  return path;
}

}  // namespace tinet::cli
