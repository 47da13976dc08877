#pragma once
/// Text for people: tables with aligned columns, colours that vanish where nobody looks.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tinet::cli {

enum class Color { None, Red, Green, Yellow, Dim, Bold };

/// `text` in a colour (ANSI), or as it is when `enabled` is false.
[[nodiscard]] std::string paint(std::string_view text, Color color, bool enabled);

/// One cell; its width is counted before colouring.
struct Cell {
  std::string text = {};
  Color color = Color::None;
};

/// Rows under a header; every column is as wide as its longest cell, columns are two blanks apart,
/// and a column that is empty in every row is left out.
class Table {
 public:
  explicit Table(std::vector<std::string> header);

  void row(std::vector<Cell> cells);
  [[nodiscard]] std::string render(bool color) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<Cell>> rows_;
};

/// Number of characters of UTF-8 text.
[[nodiscard]] std::size_t display_width(std::string_view text);

/// "1 link", "2 links".
[[nodiscard]] std::string plural(std::uint64_t count, std::string_view noun);

/// Breaks text at blanks so that no line is longer than `width`, not counting the `indent` blanks
/// that lines after the first start with.
[[nodiscard]] std::string wrap(std::string_view text, std::size_t width, std::size_t indent);

}  // namespace tinet::cli
