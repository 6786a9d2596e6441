#include "server/folder_lock.h"

#include <chrono>
#include <thread>

namespace strata::server {

Result<store::DataDir> TakeFolder(const std::string& path,
                                  const std::function<void(const Error&)>& waiting,
                                  const std::function<bool()>& enough) {
  using std::chrono::steady_clock;
  constexpr std::chrono::seconds kPatience{10};
  constexpr std::chrono::seconds kPatienceServing{2};
  constexpr std::chrono::milliseconds kLook{20};
  auto start = steady_clock::now();
  for (bool told = false;; told = true) {
    auto folder = store::DataDir::Open(path);
    // A folder that is there and not ours is a conflict too, but nobody holds it.
    bool held = !folder.has_value() && folder.error().code() == Code::kConflict &&
                store::DataDir::Exists(path);
    if (!held || (enough && enough())) return folder;
    auto server = store::DataDir::FindServer(path);
    bool serving = !enough && server.has_value() && server->has_value();
    if (steady_clock::now() - start > (serving ? kPatienceServing : kPatience)) return folder;
    if (!told && waiting) waiting(folder.error());
    std::this_thread::sleep_for(kLook);
  }
}

}  // namespace strata::server
