// Scores image files by a SavedModel, as a C++ server loads it.
//
//   score_images SAVED_MODEL SIGNATURE FILE...
//
// prints "<output> <value> <value>..." for every scalar output, a value a file.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/public/session_options.h"

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  tensorflow::SavedModelBundle bundle;
  auto status = tensorflow::LoadSavedModel(
      tensorflow::SessionOptions(), tensorflow::RunOptions(), argv[1],
      {"serve"}, &bundle);
  if (!status.ok()) {
    std::cerr << status.ToString() << "\n";
    return 1;
  }
  const auto& signature =
      bundle.meta_graph_def.signature_def().at(argv[2]);
  tensorflow::Tensor images(tensorflow::DT_STRING, {argc - 3});
  for (int row = 0; row < argc - 3; ++row) {
    std::ifstream file(argv[row + 3], std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    images.flat<tensorflow::tstring>()(row) = content.str();
  }
  std::vector<std::string> keys, names;
  for (const auto& output : signature.outputs()) {
    if (output.second.dtype() != tensorflow::DT_FLOAT) continue;
    keys.push_back(output.first);
    names.push_back(output.second.name());
  }
  std::vector<tensorflow::Tensor> outputs;
  status = bundle.session->Run(
      {{signature.inputs().at("image_bytes").name(), images}}, names, {},
      &outputs);
  if (!status.ok()) {
    std::cerr << status.ToString() << "\n";
    return 1;
  }
  for (size_t key = 0; key < keys.size(); ++key) {
    if (outputs[key].dims() != 1) continue;
    std::printf("%s", keys[key].c_str());
    for (int row = 0; row < argc - 3; ++row)
      std::printf(" %.9g", outputs[key].flat<float>()(row));
    std::printf("\n");
  }
  return 0;
}
