#pragma once
// `strata model import`: registers a GGUF file, or converts a sentence-transformers folder to one.
//
// Model files are hostile input: llama.cpp aborts on some of them, so each is first loaded in a
// child process with memory and time limits.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "base/task.h"

namespace strata::provider {

struct ModelImportSpec {
  std::string source;         // a .gguf file, or a folder with model.safetensors
  std::string models_folder;  // DATA/models
  std::string name;           // [a-z0-9._-]{1,64}; "" = made from the file's name
  // Program and leading arguments of the validating child: our own binary and the hidden
  // subcommand; the path of the file is appended.
  std::vector<std::string> validator;
};

struct ImportedModel {
  std::string id;    // "local/NAME"
  std::string path;  // of the GGUF in the models folder
  std::string kind;  // "chat" or "embed"
  std::string architecture;
  std::int64_t bytes = 0;
};

// Takes seconds, on a thread of its own. The file appears whole or not at all. Errors: kNotFound
// (source), kInvalidArgument (not a model we can run; says what is wrong and where), kConflict
// (name taken), kUnavailable (disk).
Task<Result<ImportedModel>> ImportModel(ModelImportSpec spec, RequestContext& ctx);

// Body of the validating child (environment STRATA_LLAMA_BACKENDS: the backends' folder): loads the
// file as llama.cpp would, decodes one token, and prints
// `{"kind":"chat","architecture":"llama",…}` on stdout. Returns the process's exit status: 0 good,
// 1 refused (reason on stderr); anything else, a signal included, means the file broke the loader.
int ValidateGgufMain(const std::string& path);

// Converts a folder in sentence-transformers' layout (model.safetensors in F32, F16 or BF16,
// config.json of a BertModel, vocab.txt or tokenizer.json, 1_Pooling/config.json) to a GGUF of
// architecture `bert` in f32. The output is replaced atomically. Errors: kNotFound (file missing),
// kInvalidArgument (names the file, the tensor and what was expected).
Result<> ConvertSentenceTransformer(const std::string& folder, const std::string& gguf_path);

// Makes the static embedder's file from a BERT-like GGUF: each word piece through the model, then
// vector/static_embedder.h. `progress` is called with 0..1, now and then; may be empty.
Result<> DistillStatic(const std::string& gguf_path, const std::string& output_path,
                       const std::function<void(double)>& progress);

}  // namespace strata::provider
