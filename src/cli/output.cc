#include "src/cli/output.h"

#include <algorithm>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"

namespace tinet::cli {

namespace {

std::string_view code_of(Color color) {
  switch (color) {
    case Color::None:
      return "";
    case Color::Red:
      return "\033[31m";
    case Color::Green:
      return "\033[32m";
    case Color::Yellow:
      return "\033[33m";
    case Color::Dim:
      return "\033[2m";
    case Color::Bold:
      return "\033[1m";
  }
  return "";
}

void trim_right(std::string& line) {
  while (!line.empty() && line.back() == ' ') {
    line.pop_back();
  }
}

}  // namespace

std::string paint(std::string_view text, Color color, bool enabled) {
  if (!enabled || color == Color::None || text.empty()) {
    return std::string(text);
  }
  return std::string(code_of(color)) + std::string(text) + "\033[0m";
}

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

Table::Table(std::vector<std::string> header) : header_(std::move(header)) {}

void Table::row(std::vector<Cell> cells) {
  TINET_ASSERT(cells.size() == header_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::render(bool color) const {
  std::vector<std::size_t> widths(header_.size(), 0);
  for (const auto& cells : rows_) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(cells[i].text));
    }
  }
  const auto line = [&](const std::vector<Cell>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (widths[i] == 0) {
        continue;
      }
      const std::size_t width = std::max(widths[i], display_width(header_[i]));
      const std::size_t blanks = width - display_width(cells[i].text) + 2;
      text += paint(cells[i].text, cells[i].color, color) + std::string(blanks, ' ');
    }
    trim_right(text);
    return text + "\n";
  };
  std::vector<Cell> head;
  for (const auto& title : header_) {
    head.push_back({title, Color::Bold});
  }
  std::string text = line(head);
  for (const auto& cells : rows_) {
    text += line(cells);
  }
  return text;
}

std::string plural(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string wrap(std::string_view text, std::size_t width, std::size_t indent) {
  std::string result;
  std::size_t column = 0;
  for (const auto& word : split(text, ' ')) {
    const std::size_t length = display_width(word);
    if (column > 0 && column + 1 + length > width) {
      result += "\n" + std::string(indent, ' ');
      column = 0;
    } else if (column > 0) {
      result += ' ';
      ++column;
    }
    result += word;
    column += length;
  }
  return result;
}

}  // namespace tinet::cli
