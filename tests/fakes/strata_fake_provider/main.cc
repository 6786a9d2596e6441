// strata-fake-provider: the scripted OpenAI, Anthropic and Bedrock upstream as a program.
//
//   strata-fake-provider [--listen 127.0.0.1:0] [--script FILE]
//
// Prints `ready http://ADDRESS:PORT` and serves until SIGINT or SIGTERM.

#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/fakes/strata_fake_provider/upstream.h"

namespace {

int Usage(const char* problem) {
  std::fprintf(stderr, "%s\nusage: strata-fake-provider [--listen ADDRESS:PORT] [--script FILE]\n",
               problem);
  return 2;
}

bool ParseListen(const std::string& text, strata::fakes::FakeUpstream::Options& out) {
  auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  std::string port = text.substr(colon + 1);
  if (port.empty() || port.size() > 5) return false;
  if (port.find_first_not_of("0123456789") != std::string::npos) return false;
  int number = std::stoi(port);
  if (number > 65535) return false;
  out.address = text.substr(0, colon);
  out.port = static_cast<std::uint16_t>(number);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  strata::fakes::FakeUpstream::Options options;
  std::string script_file;
  for (int i = 1; i < argc; ++i) {
    std::string flag = argv[i];
    if (i + 1 == argc) return Usage("a flag needs a value");
    std::string value = argv[++i];
    if (flag == "--script") {
      script_file = value;
    } else if (flag != "--listen" || !ParseListen(value, options)) {
      return Usage("unknown flag, or a bad address");
    }
  }
  // Blocked before any thread exists, so that only sigwait below takes them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  auto upstream = strata::fakes::FakeUpstream::Start(std::move(options));
  if (!upstream.has_value()) {
    std::fprintf(stderr, "%s\n", upstream.error().message().c_str());
    return 1;
  }
  if (!script_file.empty()) {
    std::ifstream file(script_file);
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    auto loaded = (*upstream)->LoadScript(text);
    if (!loaded.has_value()) {
      std::fprintf(stderr, "%s: %s: %s\n", script_file.c_str(), loaded.error().field().c_str(),
                   loaded.error().message().c_str());
      return 1;
    }
  }
  std::printf("ready %s\n", (*upstream)->url().c_str());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  return 0;
}
