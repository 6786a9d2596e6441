#include "store/sql_file.h"

#include <pthread.h>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <exception>
#include <future>
#include <thread>

#include "base/format_message.h"
#include "base/log.h"

namespace strata::store {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kGroupMax = 256;  // queued writes in one transaction

struct Job {
  std::function<bool(Database&)> run;  // false: roll back what it did
  std::function<void(Result<>)> done;
  std::optional<Error> thrown;
};

std::string BaseName(const std::string& path) {
  auto slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

}  // namespace

struct Writer::State {
  std::unique_ptr<Database> database;
  std::size_t waiting_max = 0;
  std::chrono::milliseconds transaction_max{50};
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::deque<Job> queue;
  bool closing = false;
  std::thread thread;

  Result<> Add(Job job);
  void Loop();
  Result<> RunGroup(std::vector<Job>& group);
  Result<> RunOne(Job& job);
  bool TakeNext(std::vector<Job>& group);
};

Result<> Writer::State::Add(Job job) {
  {
    std::lock_guard lock(mutex);
    if (closing) return Fail(Code::kUnavailable, database->path() + " is closing");
    if (queue.size() >= waiting_max) {
      return Fail(Error(Code::kUnavailable, FormatMessage("{} has {} writes waiting, its limit",
                                                          BaseName(database->path()), waiting_max))
                      .RetryAfter(std::chrono::seconds(1)));
    }
    queue.push_back(std::move(job));
  }
  wake.notify_one();
  return {};
}

void Writer::State::Loop() {
  while (true) {
    {
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] { return closing || !queue.empty(); });
      if (queue.empty()) return;
    }
    std::vector<Job> group;
    auto committed = RunGroup(group);
    for (auto& job : group) {
      job.run = nullptr;  // what it captured may live in the coroutine that resumes now
      if (job.thrown) {
        job.done(Fail(std::move(*job.thrown)));
      } else {
        job.done(committed);
      }
      job.done = nullptr;
    }
  }
}

bool Writer::State::TakeNext(std::vector<Job>& group) {
  std::lock_guard lock(mutex);
  if (queue.empty() || group.size() >= kGroupMax) return false;
  group.push_back(std::move(queue.front()));
  queue.pop_front();
  return true;
}

Result<> Writer::State::RunGroup(std::vector<Job>& group) {
  auto begin = std::chrono::steady_clock::now();
  auto transaction = Transaction::Begin(*database);
  if (!transaction.has_value()) {
    TakeNext(group);
    return Fail(std::move(transaction.error()));
  }
  while (TakeNext(group)) {
    STRATA_CHECK_OK(RunOne(group.back()));
    if (std::chrono::steady_clock::now() - begin >= transaction_max) break;
  }
  return transaction->Commit();
}

// An error here fails the whole group: the transaction is gone.
Result<> Writer::State::RunOne(Job& job) {
  STRATA_CHECK_OK(database->Run("SAVEPOINT job"));
  bool keep = false;
  try {
    keep = job.run(*database);
  } catch (const std::exception& thrown) {
    job.thrown = Internal(
        FormatMessage("a write to {} threw: {}", BaseName(database->path()), thrown.what()));
  }
  if (!database->in_transaction()) {
    // SQLite takes the whole transaction back when the disk is full or memory ran out.
    return Fail(Code::kUnavailable, FormatMessage("{}: the transaction was taken back by SQLite "
                                                  "(disk full, or out of memory)",
                                                  database->path()));
  }
  if (!keep) STRATA_CHECK_OK(database->Run("ROLLBACK TO job"));
  return database->Run("RELEASE job");
}

Writer::Writer(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->thread = std::thread([s = state_.get()] { s->Loop(); });
  auto name = "w:" + BaseName(state_->database->path());
  pthread_setname_np(state_->thread.native_handle(), name.substr(0, 15).c_str());
}

Writer::~Writer() {
  {
    std::lock_guard lock(state_->mutex);
    state_->closing = true;
  }
  state_->wake.notify_all();
  state_->thread.join();
}

Result<std::unique_ptr<Writer>> Writer::Open(const std::string& path,
                                             const SqlFileOptions& options) {
  auto state = std::make_unique<State>();
  STRATA_TRY(state->database, Database::Open(path, options.database));
  if (!options.migrations.empty()) {
    STRATA_CHECK_OK(Migrate(*state->database, BaseName(path), options.migrations));
  }
  state->waiting_max = options.waiting_max;
  state->transaction_max = options.transaction_max;
  return std::unique_ptr<Writer>(new Writer(std::move(state)));
}

Task<Result<>> Writer::Submit(std::function<bool(Database&)> run) {
  Result<> outcome;
  // The initiating function runs inside the caller's coroutine frame, which outlives the operation.
  co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(
      [&](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        auto executor = asio::get_associated_executor(*shared);
        auto guard = std::make_shared<asio::executor_work_guard<decltype(executor)>>(executor);
        // The guard goes along: once the caller resumes, its runtime may end, and this thread must
        // hold nothing of it.
        auto complete = [shared, executor, guard, &outcome](Result<> result) mutable {
          outcome = std::move(result);
          asio::post(executor, [shared = std::move(shared), guard = std::move(guard)] {
            std::move (*shared)();
          });
        };
        auto added = state_->Add({std::move(run), complete, std::nullopt});
        if (!added.has_value()) complete(std::move(added));
      },
      asio::use_awaitable);
  co_return outcome;
}

Result<> Writer::SubmitBlocking(std::function<bool(Database&)> run) {
  std::promise<Result<>> promise;
  auto future = promise.get_future();
  auto done = [&promise](Result<> result) { promise.set_value(std::move(result)); };
  STRATA_CHECK_OK(state_->Add({std::move(run), done, std::nullopt}));
  return future.get();
}

Result<> Writer::Post(std::function<Result<>(Database&)> work) {
  auto failed = std::make_shared<std::optional<Error>>();
  auto run = [failed, work = std::move(work)](Database& database) {
    auto done = work(database);
    if (!done.has_value()) *failed = std::move(done.error());
    return !failed->has_value();
  };
  auto report = [failed, name = BaseName(state_->database->path())](Result<> committed) {
    const Error* error = failed->has_value() ? &**failed : nullptr;
    if (!committed.has_value()) error = &committed.error();
    if (error == nullptr) return;
    Log(Level::kError, "store.write.failed", {{"file", name}, {"error", error->message()}});
  };
  return state_->Add({std::move(run), std::move(report), std::nullopt});
}

std::size_t Writer::waiting() const {
  std::lock_guard lock(state_->mutex);
  return state_->queue.size();
}

// ---- SqlFile

Result<std::unique_ptr<SqlFile>> SqlFile::Open(const std::string& path, SqlFileOptions options) {
  std::unique_ptr<SqlFile> file(new SqlFile(path));
  STRATA_TRY(file->writer_, Writer::Open(path, options));
  auto reading = options.database;
  reading.mode = OpenMode::kReadOnly;
  for (std::size_t i = 0; i < std::max<std::size_t>(options.readers, 1); ++i) {
    STRATA_TRY(auto reader, Database::Open(path, reading));
    file->idle_.push_back(std::move(reader));
  }
  file->pool_ =
      std::make_unique<Pool>("r:" + BaseName(path), file->idle_.size(), options.waiting_max);
  return file;
}

SqlFile::~SqlFile() = default;

SqlFile::Lease::Lease(SqlFile& owner) : file(owner) {
  std::unique_lock lock(file.mutex_);
  file.returned_.wait(lock, [&] { return !file.idle_.empty(); });
  database = std::move(file.idle_.back());
  file.idle_.pop_back();
}

SqlFile::Lease::~Lease() {
  {
    std::lock_guard lock(file.mutex_);
    file.idle_.push_back(std::move(database));
  }
  file.returned_.notify_one();
}

}  // namespace strata::store
