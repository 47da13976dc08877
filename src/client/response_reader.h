#pragma once
/// Reads one HTTP answer from bytes that arrive in any pieces.

#include <memory>
#include <string>
#include <string_view>

namespace tinet {

class ResponseReader {
 public:
  ResponseReader();
  ResponseReader(const ResponseReader&) = delete;
  ResponseReader& operator=(const ResponseReader&) = delete;
  ResponseReader(ResponseReader&&) = delete;
  ResponseReader& operator=(ResponseReader&&) = delete;
  ~ResponseReader();

  /// @return true when the answer is complete
  /// @throws Error Operation when this is no HTTP answer
  bool feed(std::string_view bytes);
  /// The connection has ended. @return true when that is how this answer ends
  bool feed_end();

  /// HTTP status; 0 while the header is incomplete.
  [[nodiscard]] unsigned status() const;
  /// What has arrived of the body and was not taken yet.
  [[nodiscard]] std::string take_body();
  /// The next whole line of the body, without line end. @return false when there is none yet
  [[nodiscard]] bool take_line(std::string& line);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace tinet
