#include "src/refstore/http.h"

#include <boost/json.hpp>

namespace tinet::refstore {

HttpResponse error_response(int status, std::string_view message) {
  const boost::json::object body{{"error", message}, {"reference", true}};
  return {.status = status, .body = boost::json::serialize(body)};
}

}  // namespace tinet::refstore
