#include "src/cli/foreground.h"

#include <boost/json.hpp>

#include "src/api/requests.h"
#include "src/base/error.h"
#include "src/cli/cluster_access.h"
#include "src/cli/fault_view.h"
#include "src/cli/stop_cluster.h"
#include "src/client/client.h"

namespace tinet::cli {

namespace {

StreamEnd show_events(Context& context) {
  try {
    return stream(context, "/v1/events?since=0&follow=1", [&](std::string_view line) {
      if (context.globals.json) {
        context.streams.err << line << '\n' << std::flush;
      } else if (!context.globals.quiet) {
        context.streams.err << event_line(boost::json::parse(line), context.err_color()) << '\n'
                            << std::flush;
      }
      return true;
    });
  } catch (const Error&) {
    // The end of the supervisor ends the stream, in whatever way.
    return StreamEnd::Ended;
  }
}

}  // namespace

int stay_in_foreground(Context& context) {
  if (show_events(context) == StreamEnd::Ended) {
    return 0;
  }
  if (running_cluster(context)) {
    context.note("stopping cluster '" + context.globals.tag + "'");
    require_all_removed(stop_cluster(Client::connect(require_cluster(context)), {}));
  }
  return exit_code(ErrorKind::Interrupted);
}

}  // namespace tinet::cli
