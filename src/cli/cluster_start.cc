#include "src/cli/cluster_start.h"

#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/cli/launch.h"
#include "src/cli/progress_view.h"
#include "src/cli/status_view.h"
#include "src/process/user_files.h"
#include "src/topology/render.h"

namespace tinet::cli {

namespace json = boost::json;

namespace {

void announce(const StartPlan& start, Context& context) {
  context.note("backend " + start.plan.backend + ": " + start.backend_reason);
  if (start.plan.store == "reference") {
    context.note(
        "no TiDB programs were found: this is tinet's reference store, not TiDB; install the real "
        "ones with 'tiup install pd tikv tidb'");
  }
  for (const auto& program : start.programs) {
    context.detail(program);
  }
}

json::value launch_document(const StartPlan& start) {
  json::array faults;
  for (const auto& fault : start.faults) {
    faults.push_back(api::to_json(fault));
  }
  return {{"plan", to_json(start.plan)}, {"faults", std::move(faults)}};
}

}  // namespace

void print_plan(const StartPlan& start, Context& context) {
  if (context.globals.json) {
    context.print_json(dry_run_json(start.topology, start.plan));
  } else {
    context.print(dry_run_text(start.topology, start.plan));
  }
}

json::value start_cluster(const StartPlan& start, Context& context,
                          const std::function<void(const json::value&)>& before_handover) {
  announce(start, context);
  const UniqueFd data_lock = claim_data(start, context);
  const RunAs as{.user = start.user};
  make_directories(as, {start.plan.log_dir});
  const std::string log_path = start.plan.log_dir + "/supervisor.log";
  const UniqueFd log = open_log_append(as, log_path, Rotate::Yes);

  std::vector<std::string> names;
  for (const auto& instance : start.plan.instances) {
    names.push_back(instance.name);
  }
  ProgressView view(context, names);
  const Interrupt interrupt;
  const Guarded guarded = start.plan.backend == "proxy" ? Guarded::Yes : Guarded::No;
  Launch launch(launch_document(start), guarded, log, log_path);
  try {
    json::value status =
        launch.wait_ready(interrupt, [&](const json::value& progress) { view.update(progress); });
    view.clear();
    if (before_handover) {
      before_handover(status);
    }
    launch.accept();
    return status;
  } catch (const Error&) {
    view.clear();
    throw;
  }
}

std::string started_text(const ClusterPlan& plan, const json::value& status,
                         const Context& context) {
  std::string text = status_text(status, context.color());
  const auto ports = published_ports(status);
  if (!plan.connect_lines.empty() && !plan.paused) {
    text += "\nconnect:\n";
    for (const auto& line : plan.connect_lines) {
      text += "  " + fill_published(line, ports) + "\n";
    }
  }
  const std::string next =
      plan.paused ? "resume all" : "partition " + plan.instances.back().name + " --for 10s";
  return text + "\ntry: " + context.tinet() + " " + next + "\n";
}

}  // namespace tinet::cli
