/// What a Socket does with requests: which answers belong to them, and when all are there.

#include <cerrno>
#include <cstring>

#include <linux/netlink.h>

#include "netns/netlink/align.h"
#include "netns/netlink/socket.h"
#include "src/base/error.h"

namespace tinet::netlink {
namespace {

// rtnetlink takes a request message by message, so its pieces may be small; each refused message
// of a piece needs room in the receive buffer for its answer.
constexpr std::size_t kChunkBytes = 64U << 10U;
constexpr std::size_t kChunkMessages = 256;
constexpr int kDumpAttempts = 16;

template <typename Field>
void patch(std::span<std::byte> message, std::size_t offset, Field value) {
  std::memcpy(message.data() + offset, &value, sizeof value);
}

[[noreturn]] void throw_refusals(const std::vector<Refusal>& refusals) {
  const Refusal& first = refusals.front();
  std::string message = describe(first);
  if (refusals.size() > 1) {
    message += " (and " + std::to_string(refusals.size() - 1) + " more)";
  }
  switch (first.error) {
    case EPERM:
    case EACCES:
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
      throw_unavailable(message, hint_for(first.error));
    case EXFULL:
      throw_unavailable(message, "a Linux bridge has at most 1023 ports");
    case EEXIST:
    case EBUSY:
      throw_conflict(message);
    default:
      throw_operation(message);
  }
}

}  // namespace

std::string describe(const Refusal& refusal) {
  std::string text = "cannot " + refusal.what;
  if (!refusal.text.empty()) {
    text += " (" + refusal.text + ")";
  }
  return text + ": " + std::strerror(refusal.error);
}

void Dump::append(ByteSpan message) {
  bytes_.insert(bytes_.end(), message.begin(), message.end());
  bytes_.resize(align4(bytes_.size()));
}

std::vector<Refusal> Socket::try_execute(Request& request) {
  std::vector<Refusal> refusals;
  for (std::size_t begin = 0; begin < request.size();) {
    const std::size_t end = chunk_end(request, begin);
    execute_chunk(request, begin, end, refusals);
    begin = end;
  }
  return refusals;
}

void Socket::execute(Request& request) {
  if (const auto refusals = try_execute(request); !refusals.empty()) {
    throw_refusals(refusals);
  }
}

std::size_t Socket::chunk_end(const Request& request, std::size_t begin) const {
  std::size_t bytes = 0;
  std::size_t end = begin;
  while (end < request.size() && end - begin < kChunkMessages) {
    bytes += request.message(end).size();
    if (bytes > kChunkBytes && end > begin) {
      break;
    }
    ++end;
  }
  return end;
}

std::span<std::byte> Socket::bytes_of(Request& request, std::size_t begin, std::size_t end) {
  const std::size_t first = request.offsets_[begin];
  const std::size_t last = end < request.size() ? request.offsets_[end] : request.bytes_.size();
  return {request.bytes_.data() + first, last - first};
}

void Socket::execute_chunk(Request& request, std::size_t begin, std::size_t end,
                           std::vector<Refusal>& refusals) {
  const std::span<std::byte> bytes = bytes_of(request, begin, end);
  // Errors come unasked for; success is asked for at the end only.
  const std::size_t last = end - begin - 1;
  std::vector<Ack> answers;
  try {
    answers = transact(bytes, last);
  } catch (const Error& failure) {
    throw Error(failure.kind(), "cannot " + request.what(begin) + ": " + failure.what(),
                failure.hint());
  }
  for (const Ack& answer : answers) {
    if (answer.error != 0) {
      const std::size_t index = begin + answer.sequence;
      refusals.push_back({index, request.what(index), answer.error, answer.text});
    }
  }
}

std::uint32_t Socket::number(std::span<std::byte> messages, std::size_t last) {
  const std::uint32_t base = sequence_ + 1;
  std::uint32_t count = 0;
  for (std::span<std::byte> rest = messages;;) {
    ByteSpan cursor = rest;
    const auto view = next_message(cursor);
    if (!view) {
      break;
    }
    patch(rest, offsetof(nlmsghdr, nlmsg_seq), base + count);
    const auto asked = count == last ? NLM_F_ACK : 0;
    patch(rest, offsetof(nlmsghdr, nlmsg_flags),
          static_cast<std::uint16_t>((view->flags & ~NLM_F_ACK) | asked));
    ++count;
    rest = rest.last(cursor.size());
  }
  sequence_ += count;
  return base;
}

std::vector<Ack> Socket::transact(std::span<std::byte> bytes, std::size_t last) {
  const std::uint32_t base = number(bytes, last);
  const std::uint32_t count = sequence_ + 1 - base;
  send(bytes, "send a netlink request");

  std::vector<Ack> answers;
  bool overflow = false;
  bool complete = false;
  const auto collect = [&] {
    for (ByteSpan rest(buffer_.data(), received_); const auto message = next_message(rest);) {
      auto ack = parse_ack(*message);
      if (!ack || ack->sequence - base >= count) {
        continue;  // an answer to an earlier request that was given up
      }
      ack->sequence -= base;
      // A failure as a whole is reported for the first message.
      complete = complete || ack->sequence == last || (ack->sequence == 0 && ack->error != 0);
      answers.push_back(std::move(*ack));
    }
  };
  const auto until = Clock::now() + options_.deadline;
  while (!complete) {
    if (!receive(until, overflow, "read the answer to a netlink request")) {
      throw_operation("the kernel did not answer within " +
                      std::to_string(options_.deadline.count()) + " ms");
    }
    collect();
  }
  while (receive_now(overflow)) {
    collect();
  }
  const auto failed = [](const Ack& ack) { return ack.error != 0; };
  if (overflow && std::none_of(answers.begin(), answers.end(), failed)) {
    throw_operation("the kernel's answers to a netlink request got lost",
                    "raise net.core.rmem_max");
  }
  std::stable_sort(answers.begin(), answers.end(),
                   [](const Ack& a, const Ack& b) { return a.sequence < b.sequence; });
  return answers;
}

Dump Socket::dump(Request& request) {
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    Dump result;
    if (try_dump(request, result)) {
      return result;
    }
  }
  throw_operation("cannot " + request.what(0) + ": the kernel's objects change all the time");
}

bool Socket::try_dump(Request& request, Dump& result) {
  const std::uint32_t sequence = ++sequence_;
  patch(request.bytes_, offsetof(nlmsghdr, nlmsg_seq), sequence);
  const std::string& what = request.what(0);
  send(request.bytes_, what);
  const auto until = Clock::now() + options_.deadline;
  bool interrupted = false;
  for (bool done = false; !done;) {
    bool overflow = false;
    if (!receive(until, overflow, what)) {
      throw_operation("cannot " + what + ": the kernel did not answer in time");
    }
    interrupted = interrupted || overflow;
    for (ByteSpan rest(buffer_.data(), received_); const auto message = next_message(rest);) {
      if (message->sequence != sequence) {
        continue;
      }
      interrupted = interrupted || (message->flags & NLM_F_DUMP_INTR) != 0;
      if (const auto ack = parse_ack(*message)) {
        if (ack->error == EINTR || ack->error == EAGAIN) {
          interrupted = true;
        } else if (ack->error != 0) {
          throw_refusals({{0, what, ack->error, ack->text}});
        }
        done = true;
        break;
      }
      result.append(message->whole);
    }
  }
  return !interrupted;
}

Dump Socket::query(Request& request) {
  const std::uint32_t sequence = ++sequence_;
  patch(request.bytes_, offsetof(nlmsghdr, nlmsg_seq), sequence);
  const std::string& what = request.what(0);
  send(request.bytes_, what);
  const auto until = Clock::now() + options_.deadline;
  for (;;) {
    bool overflow = false;
    if (!receive(until, overflow, what)) {
      throw_operation("cannot " + what + ": the kernel did not answer in time");
    }
    for (ByteSpan rest(buffer_.data(), received_); const auto message = next_message(rest);) {
      if (message->sequence != sequence) {
        continue;
      }
      if (const auto ack = parse_ack(*message)) {
        if (ack->error != 0) {
          throw_refusals({{0, what, ack->error, ack->text}});
        }
        continue;
      }
      Dump result;
      result.append(message->whole);
      return result;
    }
  }
}

Answers Socket::query_each(Request& request) {
  Answers answers;
  for (std::size_t begin = 0; begin < request.size();) {
    const std::size_t end = chunk_end(request, begin);
    query_chunk(request, begin, end, answers);
    begin = end;
  }
  return answers;
}

void Socket::query_chunk(Request& request, std::size_t begin, std::size_t end, Answers& answers) {
  const std::size_t last = end - begin - 1;
  const std::span<std::byte> bytes = bytes_of(request, begin, end);
  const std::uint32_t base = number(bytes, last);
  const std::string& what = request.what(begin);
  send(bytes, what);
  const auto until = Clock::now() + options_.deadline;
  bool overflow = false;
  for (bool complete = false; !complete;) {
    if (!receive_many(until, overflow, what)) {
      throw_operation("cannot " + what + ": the kernel did not answer in time");
    }
    for (ByteSpan rest(buffer_.data(), received_); const auto message = next_message(rest);) {
      const std::size_t index = message->sequence - base;
      if (index > last) {
        continue;  // an answer to an earlier request that was given up
      }
      if (const auto ack = parse_ack(*message)) {
        if (ack->error != 0) {
          answers.refusals.push_back(
              {begin + index, request.what(begin + index), ack->error, ack->text});
        }
        complete = complete || index == last;
      } else {
        answers.objects.append(message->whole);
      }
    }
  }
  if (overflow) {
    throw_operation("cannot " + what + ": the kernel's answers got lost",
                    "raise net.core.rmem_max");
  }
}

}  // namespace tinet::netlink
