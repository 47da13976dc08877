#pragma once
/// Everything about a running cluster in one directory, for a bug report or a look after it is
/// gone. Written with the invoking user's rights.

#include <string>

#include "src/cli/context.h"

namespace tinet {
class Client;
}

namespace tinet::cli {

/// Writes status.json, plan.json, faults.json, links.json, events.jsonl, doctor.json, logs/ and
/// config/INSTANCE/ below `directory`, which is made if missing.
/// @param directory may be relative to the working directory
/// @return the absolute path
/// @throws Error when the cluster does not answer or the directory cannot be written
std::string collect(const Client& client, const std::string& directory, Context& context);

}  // namespace tinet::cli
