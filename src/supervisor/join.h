#pragma once
/// Several coroutines at once, on one loop.

#include <vector>

#include <boost/asio/awaitable.hpp>

namespace tinet {

/// Runs all of them and returns when all have ended.
/// @throws the exception of the first (in order) that failed, after all have ended
[[nodiscard]] boost::asio::awaitable<void> join_all(std::vector<boost::asio::awaitable<void>> work);

}  // namespace tinet
