#include "src/cli/backend_table.h"

#include <utility>

#include <boost/json.hpp>

#include "src/relays/relay_rules.h"

namespace tinet::cli {

namespace {

/// A fault of the row's kind; the reason against it is the one that a user would be told.
BackendRow row(std::string what, const FaultClause& sample, const std::string& how = {}) {
  const std::string reason = relays::why_not(sample);
  return {std::move(what), "yes", "yes",
          reason.empty() ? (how.empty() ? "yes" : "yes: " + how) : "no: " + reason};
}

FaultClause cut(CutMode mode, Match match = {}) {
  return {std::move(match), {.cut = mode}};
}

}  // namespace

std::vector<BackendRow> backend_rows() {
  const LinkAction delay{.delay = Delay{.delay = Milliseconds(1)}};
  return {
      row("`partition`", cut(CutMode::Drop), "bytes are held and go on after `heal`"),
      row("`partition --mode reject`", cut(CutMode::Reject),
          "new connections are reset, open ones held"),
      row("`partition --mode reset`", cut(CutMode::Reset)),
      row("`--service`, `--port`, `--proto tcp`", cut(CutMode::Drop, {.protocol = Protocol::Tcp})),
      row("`--proto udp`", cut(CutMode::Drop, {.protocol = Protocol::Udp})),
      row("`--proto icmp`", cut(CutMode::Drop, {.protocol = Protocol::Icmp})),
      row("`--new`", cut(CutMode::Drop, {.connections = Connections::New})),
      row("`--established`", cut(CutMode::Drop, {.connections = Connections::Established})),
      row("`--first N`", cut(CutMode::Drop, {.first = 1})),
      row("`--after-bytes N`", cut(CutMode::Drop, {.after_bytes = 1})),
      row("`--after-bytes N --mode reset`", cut(CutMode::Reset, {.after_bytes = 1})),
      row("`delay`, `--jitter`, `--distribution normal`", {{}, delay}),
      row("`delay --distribution pareto`, a table",
          {{}, {.delay = Delay{.distribution = Distribution::Pareto}}}),
      row("`delay --correlation`", {{}, {.delay = Delay{.correlation = Ppm{1}}}}),
      row("`rate`", {{}, {.rate = Rate{.bits_per_second = 8}}}),
      row("`rate --burst-size`, `--queue`", {{}, {.rate = Rate{.queue_packets = 1}}}),
      row("`loss`, `--burst`, `--lost-reply`", {{}, {.loss = Ppm{1}}}),
      row("`duplicate`, `corrupt`, `reorder`", {{}, {.duplicate = Ppm{1}}}),
      row("`flap`", cut(CutMode::Drop)),
      row("`hold`, `release`", {{}, {.hold = true}}, "but not `release --drop`"),
      {"one direction (`--direction`)", "yes: TCP stalls the other way by itself", "yes: as netns",
       "yes: a cut stops both directions of a connection"},
      {"`--for`", "yes: ends in the kernel", "yes: ends in the kernel",
       "yes: ends in the relays' thread"},
      {"what is counted", "packets", "packets", "connections and pieces of data"},
      {"`--ipv6`, `capture`, `--tcp-rto-max`", "yes", "yes", "no: they need a network namespace"},
      {"`--host-link`", "yes", "no: a user namespace has no right to the host", "no"},
      {"own PID and mount namespace, private /tmp", "yes", "yes", "no: TMPDIR is set"},
      {"`kill`, `restart`, `pause`, roles, `exec`, `logs`", "yes", "yes", "yes"},
      {"`--toxiproxy-api`", "no: there are no relays", "no: there are no relays", "yes"},
  };
}

boost::json::value backend_document() {
  boost::json::array rows;
  for (const BackendRow& row : backend_rows()) {
    std::string what = row.what;
    std::erase(what, '`');
    rows.push_back(
        {{"what", what}, {"netns", row.netns}, {"rootless", row.rootless}, {"proxy", row.proxy}});
  }
  return rows;
}

std::string backend_markdown() {
  std::string text = "| | netns | rootless | proxy |\n|---|---|---|---|\n";
  for (const BackendRow& row : backend_rows()) {
    text += "| " + row.what + " | " + row.netns + " | " + row.rootless + " | " + row.proxy + " |\n";
  }
  return text;
}

}  // namespace tinet::cli
