#pragma once
/// What `start` shows while the cluster comes up: a line per change, or on a terminal a table that
/// is drawn over itself.

#include <ostream>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "src/cli/context.h"

namespace tinet::cli {

class ProgressView {
 public:
  /// @param instances all names, in the order of the table
  ProgressView(Context& context, std::vector<std::string> instances);

  /// @param progress {"instance","state","waiting_for","text"}
  void update(const boost::json::value& progress);
  /// Takes the table off the screen.
  void clear();

 private:
  struct Row {
    std::string name;
    std::string state = "planned";
    std::string waiting_for = {};
  };
  void draw();

  Context& context_;
  std::vector<Row> rows_;
  std::size_t lines_drawn_ = 0;
};

}  // namespace tinet::cli
